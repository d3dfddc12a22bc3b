// Requests with a value that an endpoint issued, such as a session id, go to that endpoint.
#include "proxy/exchange.h"

namespace postern::proxy {

void Exchange::recall_endpoint(const upstream::Group& group) {
  const http::HeaderField* brought = stream_.request().headers.find(group.model().learn->request_field);
  if (!brought || brought->value.empty()) return;
  learned_value_ = brought->value;
  learned_endpoint_ = group.recall(learned_value_);
}

// A 404 from the endpoint that issued the value means that the endpoint no longer knows it. The answer of
// another endpoint, which replaced it, means nothing.
void Exchange::note_learned(upstream::Group& group, const http::ResponseHead& head) {
  const auto endpoint = static_cast<size_t>(endpoint_ - group_->endpoints.data());
  const bool succeeded = head.status < 400;
  const http::HeaderField* given = head.headers.find(group_->learn->response_field);
  if (given && succeeded) group.learn(given->value, endpoint);
  const bool ended = head.status == 404 || (stream_.request().method == http::Method::delete_ && succeeded);
  if (ended && learned_endpoint_ == endpoint) group.forget(learned_value_);
}

}  // namespace postern::proxy
