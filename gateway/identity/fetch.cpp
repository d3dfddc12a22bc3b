#include "identity/fetch.h"

#include "base/error.h"
#include "upstream/own_connection.h"

namespace postern::identity {
namespace {

using base::Cause;
using base::Result;
using base::Stage;
using base::Task;

constexpr http::MessageLimits response_limits{64 * 1024, 0, 256, 16 * 1024};
constexpr size_t shown_location_max = 200;

net::DialTarget target_of(const FetchRequest& request) {
  net::DialTarget target;
  target.host = request.url.host;
  target.port = request.url.port;
  target.proxy = request.proxy;
  target.tls = request.url.tls ? request.tls : nullptr;
  target.server_name = request.url.host;
  target.connect_limit = request.limit;
  return target;
}

http::RequestHead head_of(const FetchRequest& request) {
  http::RequestHead head;
  head.method = http::Method::get;
  head.method_text = "GET";
  head.target = request.url.target;
  head.headers.add("Host", request.url.authority);
  head.headers.add("User-Agent", "postern");
  head.headers.add("Accept", "application/json");
  head.headers.add("Cache-Control", "no-cache");
  head.headers.add("Connection", "close");
  return head;
}

std::string account_of_status(const http::ResponseHead& head) {
  std::string account = "status " + std::to_string(head.status);
  const http::HeaderField* location = head.headers.find("Location");
  if (head.status / 100 == 3 && location)
    account +=
        ", which leads to " +
        std::string(location->value.substr(0, location->value.find('?')).substr(0, shown_location_max)) +
        " (redirects are not followed; name that address)";
  return account;
}

std::string account_of(base::Error error, const http::UpstreamStream& stream) {
  if (error.cause == Cause::upstream_timed_out) return "it did not answer in time";
  const std::string& detail = stream.fault().detail;
  return detail.empty() ? std::string(base::traits(error.cause).meaning) : detail;
}

Task<Result<http::ResponseHead>> receive_head(base::Scope& scope, http::UpstreamStream& stream,
                                              std::string& account) {
  for (;;) {
    Result<http::ResponseHead> head = co_await stream.response().take(scope);
    if (!head) {
      account = account_of(head.error(), stream);
      co_return base::fail(head.error());
    }
    if (!head->interim()) co_return head;
  }
}

Task<Result<std::string>> receive_body(base::Scope& scope, http::UpstreamStream& stream,
                                       std::string& account) {
  std::string body;
  for (;;) {
    Result<base::Chunk> chunk = co_await stream.response_body().read(scope);
    if (!chunk) {
      account = account_of(chunk.error(), stream);
      co_return base::fail(chunk.error());
    }
    if (chunk->empty()) co_return body;
    body.append(base::text_of(chunk->bytes()));
    if (body.size() > fetch_size_max) {
      account = "the answer is larger than 1 MiB";
      co_return base::fail(Cause::upstream_bad_response, Stage::response_body);
    }
  }
}

}  // namespace

Task<Result<Fetched>> fetch(base::Scope& scope, base::Turn& turn, net::Dialer& dialer,
                            const FetchRequest& request, std::string& account) {
  base::Phase phase(scope, Stage::connect, request.limit, Cause::upstream_timed_out);
  const net::DialTarget target = target_of(request);
  std::string tried;
  Task<Result<std::unique_ptr<net::Transport>>> dialling = dialer.dial(scope, target, tried);
  Result<std::unique_ptr<net::Transport>> transport = co_await dialling;
  if (!transport) {
    account = tried;
    if (tried.empty() || tried.ends_with("connected"))  // what came after it failed
      account += (tried.empty() ? "" : "; ") + std::string(base::traits(transport.error().cause).meaning);
    co_return base::fail(transport.error());
  }
  const http::RequestHead head = head_of(request);
  upstream::OwnConnection connection(turn, std::move(*transport), response_limits);
  http::UpstreamStream& stream = connection->open_stream();
  stream.request_body().end();
  stream.send(head);
  Task<Result<http::ResponseHead>> receiving_head = receive_head(scope, stream, account);
  Result<http::ResponseHead> answered = co_await receiving_head;
  if (!answered) co_return base::fail(answered.error());
  if (answered->status != 200) {
    account = account_of_status(*answered);
    co_return base::fail(Cause::upstream_bad_response, Stage::response_head);
  }
  Task<Result<std::string>> receiving_body = receive_body(scope, stream, account);
  Result<std::string> body = co_await receiving_body;
  if (!body) co_return base::fail(body.error());
  Fetched fetched{std::move(*answered), std::move(*body)};
  co_return fetched;
}

}  // namespace postern::identity
