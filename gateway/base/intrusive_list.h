// Intrusive doubly linked lists: the links are members of their owners. Inserting and removing allocate
// nothing, and a link removes itself from its list when it is destroyed.
#pragma once

#include <utility>

namespace postern::base {

struct Link {
  Link* previous = this;
  Link* next = this;

  Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  bool linked() const { return next != this; }
  void unlink() {
    previous->next = next;
    next->previous = previous;
    previous = next = this;
  }
  // Called on the list's head: inserts `link` at the end.
  void append(Link& link) {
    link.previous = previous;
    link.next = this;
    previous->next = &link;
    previous = &link;
  }
  // Called on an empty head: moves every link of `other` to this list.
  void take_all(Link& other) {
    if (!other.linked()) return;
    next = other.next;
    previous = other.previous;
    next->previous = this;
    previous->next = this;
    other.next = other.previous = &other;
  }
};

template <class Owner>
struct LinkIn : Link {
  explicit LinkIn(Owner* the_owner) : owner(the_owner) {}
  Owner* owner;
  static Owner* of(Link* link) { return static_cast<LinkIn<Owner>*>(link)->owner; }
};

}  // namespace postern::base
