#include "base/scope.h"

#include "base/error.h"

namespace postern::base {

void Turn::run() {
  Link due;
  due.take_all(deferred_);
  while (due.linked()) LinkIn<Wait>::of(due.next)->settle();  // the wait joins the ready queue
  for (;;) {
    while (ready_.linked()) {
      Wait* wait = LinkIn<Wait>::of(ready_.next);
      wait->in_ready_.unlink();
      wait->coroutine_.resume();
    }
    if (flushing_.linked()) {
      Flushable* flushable = LinkIn<Flushable>::of(flushing_.next);
      flushable->link_.unlink();
      flushable->flush();
      continue;
    }
    if (graveyard.empty()) return;
    graveyard.sweep();
  }
}

void Wait::suspend(std::coroutine_handle<> coroutine) {
  coroutine_ = coroutine;
  scope_.waits_.append(in_scope_);
}

void Wait::settle() {
  if (std::exchange(settled_, true)) return;
  in_scope_.unlink();
  scope_.turn.ready(in_ready_);
}

bool Wait::already_failed() {
  failure_ = scope_.failure();
  return failure_.has_value();
}

void Scope::cancel(Cause why) {
  if (cancelled_) return;
  cancelled_ = Error{why, stage};
  fail_waits(*cancelled_);
}

std::optional<Error> Scope::failure() const {
  if (cancelled_) return cancelled_;
  if (expired_) return expired_;
  return parent_ ? parent_->failure() : std::nullopt;
}

void Scope::fail_waits(Error why) {
  while (waits_.linked()) LinkIn<Wait>::of(waits_.next)->fail(why);  // unlinks itself
  for (Link* at = children_.next; at != &children_; at = at->next) {
    Scope* child = LinkIn<Scope>::of(at);
    child->fail_waits(Error{why.cause, child->stage});
  }
}

Phase::Phase(Scope& scope, Stage stage, Duration limit, Cause late)
    : scope_(scope), outer_(std::exchange(scope.stage, stage)), limit_(limit), late_(late) {
  if (limit != no_limit) scope.turn.arm(*this, limit);
}

Phase::Phase(Scope& scope, Stage stage, Duration limit) : Phase(scope, stage, limit, Cause::timed_out) {}

Phase::~Phase() {
  if (passed_) scope_.expired_.reset();  // the expiry of an outer phase must not be cleared here
  scope_.stage = outer_;
}

void Phase::on_deadline() {
  if (judge_)
    if (const std::optional<Duration> left = judge_->time_left()) return scope_.turn.arm(*this, *left);
  passed_ = true;
  scope_.expired_ = Error{late_, scope_.stage};
  scope_.fail_waits(*scope_.expired_);
}

}  // namespace postern::base
