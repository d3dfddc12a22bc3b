#include "proxy/affinity.h"

namespace postern::proxy {

Affinity::Affinity(upstream::Group& group, http::RequestHead& request, int64_t now_unix) : group_(group) {
  const upstream::GroupModel& model = group.model();
  if (model.sticky) {
    session_ = model.sticky->read(request.headers, now_unix);
    model.sticky->strip(request);
  }
  if (!model.learn) return;
  const http::HeaderField* brought = request.headers.find(model.learn->request_field);
  if (!brought || brought->value.empty()) return;
  learned_value_ = brought->value;
  learned_ = group.recall(learned_value_);
}

void Affinity::keep_session(size_t endpoint, int64_t now_unix, bool tls, http::ResponseHead& head) const {
  if (session_ && !session_->is_ageing && (session_->endpoint == endpoint || stands_in_)) return;
  const size_t home = session_ && stands_in_ ? session_->endpoint : endpoint;
  head.headers.add("Set-Cookie", head.arena.keep(group_.model().sticky->set_cookie(home, now_unix, tls)));
}

// A 404 from the endpoint that issued the value means that the endpoint no longer knows it. The answer of
// another endpoint, which replaced it, means nothing.
void Affinity::learn(size_t endpoint, http::Method method, const http::ResponseHead& head) {
  const bool succeeded = head.status < 400;
  const http::HeaderField* given = head.headers.find(group_.model().learn->response_field);
  if (given && succeeded) group_.learn(given->value, endpoint);
  const bool ended = head.status == 404 || (method == http::Method::delete_ && succeeded);
  if (ended && learned_ == endpoint) group_.forget(learned_value_);
}

}  // namespace postern::proxy
