#include "config/keys_upstreams.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "config/addresses.h"
#include "config/keys_certificates.h"
#include "config/text.h"
#include "http/target.h"
#include "state/learned_values.h"

namespace postern::config {
namespace {

using namespace std::chrono_literals;
using upstream::Condition;
using upstream::Conditions;
using upstream::EjectModel;
using upstream::HealthModel;
using upstream::HoldModel;
using upstream::QueueModel;
using upstream::RetryModel;

constexpr uint64_t kibi = 1024;
constexpr std::string_view token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";

Parsed<std::string> parse_host(std::string_view text) {
  if (!is_host(text)) return complain("is not a host name");
  return std::string(text);
}

// ---- endpoints

void read_url(const Value& value, EndpointUrl& endpoint) {
  if (auto url = value.parsed(parse_endpoint)) endpoint = std::move(*url);
}

auto url() { return custom(read_url, "URL", string_schema("demo:|unix:.+|[A-Za-z+]+://[^/]+")); }

const Keys<EndpointUrl>& endpoint_keys() {
  static const auto keys =
      Keys<EndpointUrl>("endpoint")
          .key("url", itself<EndpointUrl>, url(),
               "The URL of the endpoint, without a path: http:// or https:// (or ws:// and wss://, which "
               "mean the same). unix:/run/app.sock is plain HTTP over a Unix socket; a relative path "
               "starts at the folder of the configuration file. srv+http://_http._tcp.api.internal (or "
               "srv+https://) is a service whose DNS SRV records name the targets, by priority and weight. "
               "demo: is the application built into the binary.")
          .required()
          .example("\"https://api.internal:8443\"")
          .key("weight", &EndpointUrl::weight, number(1, 1000),
               "The share of the requests that this endpoint gets, relative to the weights of the other "
               "endpoints.")
          .key("backup", &EndpointUrl::backup, boolean(),
               "Whether the endpoint is a backup, which gets requests only while none of the other "
               "endpoints is available. An endpoint that is at its max_requests still counts as available.")
          .key("max_requests", &EndpointUrl::max_requests, number(1, 1'000'000),
               "The maximum number of requests and WebSockets that the endpoint has at once, over all "
               "workers. When every endpoint is at its limit, a request waits in the queue of the "
               "upstream, if there is one, or is answered with 503 and Retry-After.")
          .by_default("none")
          .example("1000");
  return keys;
}

// A list of URLs, or of maps with a URL and more keys.
struct Endpoints {
  void read_into(const Value& value, std::vector<EndpointUrl>& endpoints) const {
    const auto items = value.items();
    if (value.is_list() && items.empty()) value.complain("is empty; an upstream needs an endpoint");
    for (const Value& item : items) {
      EndpointUrl url;
      if (item.is_map())
        endpoint_keys().read(item, &url);
      else
        read_url(item, url);
      if (url.text.empty()) continue;
      url.location = item.location();
      for (const EndpointUrl& other : endpoints) {
        if (other.text != url.text) continue;
        item.complain((item.is_scalar() ? item.quote() : "this endpoint") + " stands in line " +
                      std::to_string(other.location.line) + " already");
        break;
      }
      endpoints.push_back(std::move(url));
    }
    const bool only_backups = !endpoints.empty() && endpoints.size() == items.size() &&
                              std::all_of(endpoints.begin(), endpoints.end(),
                                          [](const EndpointUrl& endpoint) { return endpoint.backup; });
    if (only_backups) value.complain("has backups only; one endpoint at least must be none");
  }
  std::string words() const { return "list"; }
  std::string shown(const std::vector<EndpointUrl>&) const { return {}; }
  std::string json_schema() const {
    return list_schema(section_schema(endpoint_keys(), {url().json_schema()}), 1, 1000);
  }
  Shape shape() const { return Shape::list; }
  const Section* section() const { return &endpoint_keys(); }
};

// ---- balance

Words<upstream::Balance> plain_balances() {
  using upstream::Balance;
  return words<Balance>({{"round_robin", Balance::round_robin},
                         {"least_connections", Balance::least_connections},
                         {"power_of_two_choices", Balance::power_of_two_choices},
                         {"random", Balance::random}});
}

void read_plain_balance(const Value& value, UpstreamDocument& upstream) {
  const std::string_view word = value.node().text;
  if (value.is_scalar() && (word == "ip_hash" || word == "source"))
    return value.complain(value.quote() + " is written { hash: client_address }");
  set(upstream.balance, plain_balances().read(value));
}

void read_balance(const Value& value, UpstreamDocument& upstream) {
  if (value.node().text == "hash")
    return value.complain("needs what to hash: { hash: client_address } or { hash: { header: NAME } }");
  read_plain_balance(value, upstream);
}

upstream::LearnModel& learned(UpstreamDocument& upstream) {
  return upstream.learn ? *upstream.learn : upstream.learn.emplace();
}

const Keys<UpstreamDocument>& learn_keys() {
  const auto name = text("header name", parse_header_name, token);
  static const auto keys =
      Keys<UpstreamDocument>("learn")
          .begin([](const Value&, UpstreamDocument& upstream) { upstream.learn.emplace(); })
          .key(
              "response_header",
              [](UpstreamDocument& upstream) -> std::string& { return learned(upstream).response_field; },
              name,
              "The header field of a response whose value is remembered with the endpoint that gave it.")
          .required()
          .key(
              "request_header",
              [](UpstreamDocument& upstream) -> std::string& { return learned(upstream).request_field; },
              name, "The header field of a request that brings a remembered value back.")
          .by_default("the name in response_header")
          .key(
              "values", [](UpstreamDocument& upstream) -> size_t& { return learned(upstream).values_max; },
              number(state::LearnedValues::shard_count, 10'000'000),
              "The maximum number of values that are remembered; of more, the one that was used longest ago "
              "goes.")
          .key("otherwise", itself<UpstreamDocument>,
               custom(read_plain_balance, "round_robin, least_connections, power_of_two_choices or random",
                      plain_balances().json_schema(), "round_robin"),
               "How an endpoint is chosen for a request without a remembered value.")
          .check([](const Fields& fields, UpstreamDocument& upstream) {
            if (!fields.is_good("request_header"))
              upstream.learn->request_field = upstream.learn->response_field;
          });
  return keys;
}

void read_hash(const Value& value, UpstreamDocument& upstream) {
  upstream.balance = upstream::Balance::hash;
  value.one_of({"client_address"});
}

// Reads the name of the request value that is hashed.
template <upstream::HashSource::Kind kind, Parsed<std::string> (*parse)(std::string_view)>
void read_hashed(const Value& value, UpstreamDocument& upstream) {
  upstream.balance = upstream::Balance::hash;
  upstream.hash.kind = kind;
  set(upstream.hash.name, value.parsed(parse));
}

Parsed<std::string> parse_any(std::string_view text) { return std::string(text); }

const Keys<UpstreamDocument>& hash_keys() {
  using Kind = upstream::HashSource::Kind;
  static const auto keys =
      Keys<UpstreamDocument>("hash")
          .key("header", itself<UpstreamDocument>,
               custom(read_hashed<Kind::header, parse_header_name>, "header name", scalar_schema(), "none"),
               "The request header field whose value is hashed to choose an endpoint.")
          .key("cookie", itself<UpstreamDocument>,
               custom(read_hashed<Kind::cookie, parse_cookie_name>, "cookie name", scalar_schema(), "none"),
               "The cookie whose value is hashed to choose an endpoint.")
          .key("query", itself<UpstreamDocument>,
               custom(read_hashed<Kind::query, parse_any>, "query parameter", scalar_schema(), "none"),
               "The query parameter whose value is hashed to choose an endpoint.")
          .exactly_one("names one of header, cookie and query, or is client_address");
  return keys;
}

const Keys<UpstreamDocument>& balance_keys() {
  static const auto keys =
      Keys<UpstreamDocument>("balance")
          .key("hash", itself<UpstreamDocument>,
               value_or_map(read_hash, hash_keys,
                            "client_address, { header: NAME }, { cookie: NAME } or { query: NAME }",
                            words_schema({"client_address"}), "none"),
               "What is hashed to choose an endpoint: equal values go to one endpoint, and one that joins or "
               "leaves moves its own share of the values only.")
          .required_without("learn")
          .key(
              "learn", itself<UpstreamDocument>, map(learn_keys),
              "Which endpoint gave a value in a field of its response is remembered, and requests that bring "
              "the value back go there.")
          .by_default("none")
          .at_most_one_of({"learn", "hash"}, "stands beside {}; a balance is one of the two");
  return keys;
}

// Anything but a map is read as a single value, so that the error for a list is "must be a single
// value": most balances are one.
struct BalanceKind : ValueOrMap<UpstreamDocument> {
  void read_into(const Value& value, UpstreamDocument& upstream) const {
    if (value.is_map())
      section()->read(value, &upstream);
    else
      read(value, upstream);
  }
};

BalanceKind balance() {
  return {value_or_map(
      read_balance, balance_keys,
      "round_robin, least_connections, power_of_two_choices, random, { hash: ... } or { learn: ... }",
      plain_balances().json_schema(), "round_robin")};
}

// ---- queue and sticky

const Keys<QueueModel>& queue_keys() {
  static const auto keys =
      Keys<QueueModel>("queue")
          .key("size", &QueueModel::size, number(1, 1'000'000),
               "The maximum number of requests that wait at once, over all workers. One more is answered "
               "with 503 at once, unless another client has more waiting requests on the same worker: then "
               "the latest request of that client is answered with 503 and makes room.")
          .key("timeout", &QueueModel::timeout, duration(1ms, 1h),
               "How long a request waits in the queue for an endpoint before it is answered with 503.");
  return keys;
}

// No error repeats the text of a secret.
std::optional<std::string> read_sticky_secret(const Value& value) {
  const auto text = value.text();
  if (!text) return std::nullopt;
  constexpr std::size_t least = 32;  // RFC 7518 section 3.2, for HS256
  if (text->size() < least) {
    value.complain("is shorter than 32 bytes; make one with: openssl rand -hex 32");
    return std::nullopt;
  }
  return std::string(*text);
}

auto sticky_secret() { return custom(read_sticky_secret, "text of at least 32 bytes", scalar_schema()); }

Parsed<std::string> parse_cookie_path(std::string_view text) {
  const bool is_good =
      text.starts_with('/') && text.find(';') == text.npos &&
      std::all_of(text.begin(), text.end(), [](char byte) { return byte > ' ' && byte < 0x7f; });
  if (!is_good) return complain("is not the path of a cookie (\"/\" first, no space, no \";\")");
  return std::string(text);
}

const Keys<StickyDocument>& sticky_keys() {
  static const auto keys =
      Keys<StickyDocument>("sticky")
          .begin(
              [](const Value& value, StickyDocument& sticky) { sticky.cookie_location = value.location(); })
          .key("secret", &StickyDocument::secret, sticky_secret(),
               "The secret that signs the sticky session cookie, equal on every instance of the gateway. "
               "Take it from the environment; openssl rand -hex 32 makes one. It is never printed.")
          .required()
          .example("${STICKY_SECRET}")
          .commented_out()
          .key("cookie", &StickyDocument::cookie, text("cookie name", parse_cookie_name, token),
               "The name of the sticky session cookie. Upstreams that share a host need different names or "
               "paths.")
          .commented_out()
          .located(&StickyDocument::cookie_location)
          .key("ttl", &StickyDocument::ttl, duration(1s, 8760h),
               "How long an unused sticky session lasts. A request in the second half of that time renews "
               "the cookie.")
          .commented_out()
          .key("path", &StickyDocument::path, text("path", parse_cookie_path, "/[!-:<-~]*"),
               "The Path attribute of the sticky session cookie: browsers send it for paths below this one.")
          .commented_out()
          .key("secure", &StickyDocument::secure,
               words<StickyDocument::Secure>({{"auto", StickyDocument::Secure::when_tls},
                                              {"true", StickyDocument::Secure::always},
                                              {"false", StickyDocument::Secure::never}}),
               "Whether browsers send the sticky session cookie over https only (the Secure attribute). "
               "With auto, that depends on whether the client came over https.")
          .commented_out()
          .key("same_site", &StickyDocument::same_site,
               words<StickyDocument::SameSite>({{"lax", StickyDocument::SameSite::lax},
                                                {"strict", StickyDocument::SameSite::strict},
                                                {"none", StickyDocument::SameSite::none}}),
               "The SameSite attribute of the sticky session cookie, which decides which requests from "
               "other sites carry it. With none, the cookie needs https.")
          .commented_out()
          .check([](const Fields& fields, StickyDocument& sticky) {
            const auto same_site = fields.take("same_site");
            if (same_site && sticky.same_site == StickyDocument::SameSite::none &&
                sticky.secure == StickyDocument::Secure::never)
              same_site->complain(
                  "none stands beside secure: false; browsers take such a cookie over https only");
          });
  return keys;
}

// ---- timeouts and limits

const Keys<UpstreamDocument>& timeout_keys() {
  static const auto keys =
      Keys<UpstreamDocument>("upstream_timeouts")
          .key("connect", &UpstreamDocument::connect_limit, duration(1ms, 24h),
               "How long each step of a new connection to an endpoint may take: looking up its name, "
               "connecting (to all addresses of the name together), and the TLS handshake. Then the "
               "attempt has failed; unless a retry succeeds, the answer is 502 for the lookup and 504 for "
               "the rest.")
          .key("response", &UpstreamDocument::response_limit, duration(1ms, 24h),
               "How long an endpoint may take from the end of the request to the head of its response. "
               "Then the attempt has failed; unless a retry succeeds, the answer is 504.")
          .key("idle", &UpstreamDocument::idle_limit, duration(1ms, 24h),
               "How long an endpoint may send no byte of a response body, or take no byte of a request "
               "body (idle timeout). Then a request is answered with 504, and a response that has begun is "
               "cut off.")
          .key("stream_idle", &UpstreamDocument::stream_idle_limit, duration(1ms, 168h, none),
               "How long a response that stays open may be silent before it is cut off, in place of "
               "timeouts.idle: an event stream, or another response without a length once it has been open "
               "for 10s. With none, it may be silent for as long as both sides live, which TCP keep-alive "
               "checks.")
          .key("keepalive", &UpstreamDocument::keepalive, duration(1ms, 24h),
               "How long an unused connection to an endpoint is kept open for reuse. A value below the "
               "application's own keep-alive timeout avoids races; where the application states its own "
               "(Keep-Alive: timeout=5), the connection is closed one second before that.");
  return keys;
}

const Keys<UpstreamDocument>& response_limit_keys() {
  static const auto keys =
      Keys<UpstreamDocument>("upstream_limits")
          .key("head_size", &UpstreamDocument::response_head_size, size(kibi, kibi * kibi),
               "The largest head of an endpoint's response: the status line and all header fields "
               "together. A larger one is answered with 502.")
          .key("header_fields", &UpstreamDocument::response_fields, number(1, 10'000),
               "The maximum number of header fields in an endpoint's response. A response with more is "
               "answered with 502.");
  return keys;
}

// ---- retries, eject, hold

constexpr auto conditions = std::to_array<std::pair<std::string_view, Condition>>(
    {{"connect", Condition::connect},
     {"reset", Condition::reset},
     {"timeout", Condition::timeout},
     {"invalid_response", Condition::invalid_response}});

// One word of a list of failures: a condition, or a status.
Parsed<Conditions> parse_failure(std::string_view text) {
  Conditions found;
  for (const auto& [word, condition] : conditions)
    if (text == word) return Conditions{condition};
  constexpr std::string_view prefix = "status_";
  if (!text.starts_with(prefix))
    return complain("is none of connect, reset, timeout, invalid_response and status_NNN");
  const Parsed<uint64_t> status = parse_number(text.substr(prefix.size()));
  if (!status || *status < 400 || *status > 599)
    return complain("is not a status from 400 to 599 (write status_503)");
  found.add_status(static_cast<uint16_t>(*status));
  return found;
}

struct Failures {
  using Type = Conditions;
  std::optional<Conditions> read(const Value& value) const {
    Conditions failures;
    for (const Value& item : value.items_or_one())
      if (const auto one = item.parsed(parse_failure)) failures.add(*one);
    return failures;
  }
  std::string words() const { return "list of failures"; }
  std::string shown(const Conditions& failures) const {
    std::string text;
    for (const auto& [word, condition] : conditions)
      if (failures.has(condition)) text.append(text.empty() ? "" : ", ").append(word);
    return '[' + text + ']';
  }
  std::string json_schema() const {
    const std::string failure = string_schema("connect|reset|timeout|invalid_response|status_[45][0-9]{2}");
    return any_of({failure, list_schema(failure, 0, 1000)});
  }
};

const Keys<RetryModel>& retry_keys() {
  static const auto keys =
      Keys<RetryModel>("retries")
          .key("attempts", &RetryModel::attempts, number(0, 10),
               "The maximum number of retries after the first attempt. With 0, there are none.")
          .key("on", &RetryModel::on, Failures(),
               "The failures after which a request is retried: connect (no connection was made, and "
               "nothing sent), and for idempotent methods reset (the connection broke before the "
               "response), timeout (no response head in time), invalid_response, and status_502 or any "
               "other status from 400 to 599.")
          .key("non_idempotent", &RetryModel::non_idempotent, boolean(),
               "Whether POST, PATCH and other methods that are not idempotent are retried, too, after the "
               "request was sent. Their effect may then happen twice.")
          .key("body_size", &RetryModel::body_size, size(1, kibi * kibi, none),
               "The largest request body that is kept until the response begins, so that the request can "
               "be retried; all bodies together take at most 16MiB per upstream and worker. A request with "
               "a larger body is retried only where no connection was made. With none, no body is kept.")
          .key(
              "budget", [](RetryModel& retries) -> uint32_t& { return retries.budget.percent; }, percentage(),
              "The maximum share of retries among the requests of the last ten seconds, per worker (retry "
              "budget). It keeps an outage from multiplying the load.")
          .key(
              "budget_minimum", [](RetryModel& retries) -> uint32_t& { return retries.budget.per_second; },
              number(0, 10'000),
              "The number of retries per second that are allowed on top of the percentage of the retry "
              "budget, per worker.");
  return keys;
}

const Keys<EjectModel>& eject_keys() {
  static const auto keys =
      Keys<EjectModel>("eject")
          .key("failures", &EjectModel::failures, number(1, 1000),
               "The number of failed requests in a row that eject an endpoint.")
          .key("within", &EjectModel::within, duration(100ms, 24h),
               "The time within which the failures in a row must happen to eject an endpoint, counted from "
               "the first of them.")
          .key("time", &EjectModel::time, duration(100ms, 24h),
               "How long an endpoint is ejected the first time; each further ejection takes twice as long "
               "as the one before it. After that time one request is a trial, and a good answer brings the "
               "endpoint back.")
          .key("max", &EjectModel::longest, duration(100ms, 24h),
               "The longest time for which an endpoint is ejected, however often it was ejected before.")
          .key("on", &EjectModel::on, Failures(),
               "The failures that count for the ejection of an endpoint: connect (no connection was made), "
               "reset (the connection broke before the response), timeout (no response head in time), "
               "invalid_response, and status_502 or any other status from 400 to 599.")
          .check([](const Fields& fields, EjectModel& eject) {
            const auto most = fields.take("max");
            if (eject.longest < eject.time)
              (most ? *most : fields.value())
                  .complain("is less than the first time (" +
                            to_text(std::chrono::duration_cast<std::chrono::milliseconds>(eject.time)) + ")");
          });
  return keys;
}

// A map, or `none`, which sets EjectModel::enabled to false.
struct Eject {
  void read_into(const Value& value, EjectModel& eject) const {
    if (value.says_none())
      eject.enabled = false;
    else
      eject_keys().read(value, &eject);
  }
  std::string words() const { return "map or none"; }
  std::string shown(const EjectModel&) const { return "the defaults of its keys"; }
  std::string json_schema() const { return section_schema(eject_keys(), {words_schema({"none"})}); }
  Shape shape() const { return Shape::section; }
  const Section* section() const { return &eject_keys(); }
};

const Keys<HoldModel>& hold_keys() {
  static const auto keys =
      Keys<HoldModel>("hold")
          .key("time", &HoldModel::time, duration(1ms, 5min, {"", "hold: none"}),
               "How long a request waits for an endpoint before it is answered with 503.")
          .key("page_time", &HoldModel::page_time, duration(0ms, 5min),
               "How long a WebSocket upgrade from a page waits for an endpoint, where the gateway has "
               "several upstreams and the page has not just lost a WebSocket. A browser opens one "
               "WebSocket to a host at a time, so one that waits holds up the page's WebSockets to other "
               "upstreams. It is never longer than hold.time. The time that an upgrade of a client has "
               "waited counts for the next ones: a client waits once until the upstream is back.")
          .key("requests", &HoldModel::requests, number(1, 1'000'000),
               "The maximum number of requests that wait at once, per worker. One more is answered with "
               "503 at once, unless another client has more waiting requests: then the latest request of "
               "that client is answered with 503 and makes room.");
  return keys;
}

// A map, `none`, or a duration, which is short for a map with that time.
struct Hold {
  void read_into(const Value& value, std::optional<HoldModel>& hold) const {
    if (value.says_none()) return;
    hold.emplace();
    if (!value.is_scalar()) return hold_keys().read(value, &*hold);
    if (const auto time = in_short().read(value)) hold->time = *time;
  }
  static DurationKind in_short() { return duration(1ms, 5min, none); }
  std::string words() const { return "duration, map or none"; }
  std::string shown(const std::optional<HoldModel>&) const { return "none"; }
  std::string json_schema() const { return section_schema(hold_keys(), {in_short().json_schema()}); }
  Shape shape() const { return Shape::section; }
  const Section* section() const { return &hold_keys(); }
};

// ---- health

// "200" or "200-299".
using StatusRange = HealthModel::StatusRange;

Parsed<StatusRange> parse_statuses(std::string_view text) {
  const std::size_t dash = text.find('-');
  const Parsed<uint64_t> first = parse_number(text.substr(0, dash));
  const Parsed<uint64_t> last = dash == text.npos ? first : parse_number(text.substr(dash + 1));
  if (!first || !last || *first < 200 || *last > 599 || *first > *last)
    return complain("is neither a status from 200 to 599 nor a range of them (write 200-399)");
  return StatusRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

Parsed<std::string> parse_check_path(std::string_view text) {
  if (!text.starts_with('/')) return complain("does not begin with /");
  for (const char c : text)
    if (c <= ' ' || c == 0x7f || c == '#') return complain("is not a path as a request has it");
  return std::string(text);
}

// In a Host field, an IPv6 literal is written in brackets.
Parsed<std::string> parse_check_host(std::string_view text) {
  auto host = parse_host(text);
  if (host && host->find(':') != host->npos) return '[' + *host + ']';
  return host;
}

struct Statuses {
  using Type = std::vector<StatusRange>;
  std::optional<Type> read(const Value& value) const {
    Type ranges;
    for (const Value& item : value.items_or_one())
      if (const auto range = item.parsed(parse_statuses)) ranges.push_back(*range);
    if (value.is_list() && value.items().empty()) value.complain("is empty; nothing would pass");
    return ranges;
  }
  std::string words() const { return "list of statuses and ranges"; }
  std::string shown(const Type& ranges) const {
    std::string text;
    for (const auto& [first, last] : ranges) {
      text.append(text.empty() ? "" : ", ").append(std::to_string(first));
      if (last != first) text.append("-").append(std::to_string(last));
    }
    return '[' + text + ']';
  }
  std::string json_schema() const {
    const std::string status = number_schema(200, 599, "[2-5][0-9]{2}(-[2-5][0-9]{2})?", "");
    return any_of({status, list_schema(status, 1, 1000)});
  }
};

constexpr std::string_view beside_tcp = "stands beside tcp, which sends no request";

const Keys<HealthModel>& health_keys() {
  static const auto keys =
      Keys<HealthModel>("health")
          .key("path", &HealthModel::path, text("path", parse_check_path, "/[!-\"$-~\\x80-\\uffff]*"),
               "The path that a health check requests, with a query if need be.")
          .by_default("required without tcp")
          .example("/healthz")
          .key("tcp", &HealthModel::tcp, boolean(),
               "Whether a health check only opens a connection, with the TLS handshake for https, and "
               "sends no request.")
          .example("true")
          .commented_out()
          .key("method", &HealthModel::method, words<std::string_view>({{"GET", "GET"}, {"HEAD", "HEAD"}}),
               "The HTTP method of a health check's request.")
          .key("host", &HealthModel::host, text("host name", parse_check_host),
               "The host that a health check sends in the Host field.")
          .by_default("the endpoint's host")
          .example("api.internal")
          .key("status", &HealthModel::statuses, Statuses(),
               "The response statuses with which a health check passes.")
          .key("interval", &HealthModel::interval, duration(100ms, 1h),
               "The time between two health checks of an endpoint, plus or minus a tenth. While the "
               "endpoint is down, or its last check was against its state, it is at most 1s.")
          .key("timeout", &HealthModel::timeout, duration(100ms, 1h),
               "How long a whole health check may take before it counts as failed.")
          .key("healthy", &HealthModel::healthy, number(1, 100),
               "The number of passed health checks in a row that bring an endpoint up again.")
          .key("unhealthy", &HealthModel::unhealthy, number(1, 100),
               "The number of failed health checks in a row that take an endpoint down.")
          .key("start", &HealthModel::starts_down, words<bool>({{"up", false}, {"down", true}}),
               "The state of a new endpoint before its first health check. With down, it comes up with the "
               "first check that passes.")
          .at_most_one_of({"tcp", "path"}, beside_tcp)
          .at_most_one_of({"tcp", "method"}, beside_tcp)
          .at_most_one_of({"tcp", "host"}, beside_tcp)
          .at_most_one_of({"tcp", "status"}, beside_tcp)
          .at_least_one_of({"path", "tcp"}, "needs a path, or tcp: true");
  return keys;
}

void check_upstream(const Fields& fields, UpstreamDocument& upstream) {
  const bool is_limited = std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                      [](const EndpointUrl& endpoint) { return endpoint.max_requests != 0; });
  if (const auto queue = fields.take("queue"); queue && !is_limited)
    queue->warn("nobody will ever wait: no endpoint has max_requests");
  if (const auto sticky = fields.take("sticky"); sticky && upstream.learn)
    sticky->complain("stands beside balance: { learn: ... }; an upstream has one of the two");
  if (const auto insecure = fields.take("insecure"); insecure && upstream.insecure)
    insecure->warn(
        "https endpoints are not verified: whoever answers is believed; a ca file is the better way");
  const bool any_tls = std::any_of(upstream.endpoints.begin(), upstream.endpoints.end(),
                                   [](const EndpointUrl& endpoint) { return endpoint.tls; });
  if (const auto tls = fields.take("tls"); tls && !any_tls && !upstream.endpoints.empty())
    tls->warn("has no effect: no endpoint is https");
  if (const auto count = fields.take("keepalive_connections"); count && upstream.proxy_protocol)
    count->warn("has no effect: with proxy_protocol a connection belongs to one client, and is not kept");
}

}  // namespace

using routing::HostRule;

std::optional<HostRule> HostSent::read(const Value& value) const {
  const auto text = value.text();
  if (!text) return std::nullopt;
  if (*text == "preserve") return HostRule{};
  if (*text == "upstream") return HostRule{HostRule::Kind::endpoint, {}};
  if (const auto authority = http::read_authority(*text); !authority) {
    value.refuse({"is neither preserve, upstream nor a host: " + std::string(authority.error()), ""});
    return std::nullopt;
  }
  return HostRule{HostRule::Kind::literal, std::string(*text)};
}

std::string HostSent::shown(const HostRule& host) const {
  if (host.kind == HostRule::Kind::literal) return host.text;
  return host.kind == HostRule::Kind::preserve ? "preserve" : "upstream";
}

const Keys<UpstreamDocument>& upstream_keys() {
  static const auto keys =
      Keys<UpstreamDocument>("upstream")
          .begin([](const Value& value, UpstreamDocument& upstream) { upstream.location = value.location(); })
          .key("endpoints", &UpstreamDocument::endpoints, Endpoints(),
               "The endpoints of the upstream, as URLs, or as maps where more is to be said about one: "
               "[\"http://127.0.0.1:3001\", { url: \"http://127.0.0.1:3002\", weight: 3 }].")
          .required()
          .key("balance", itself<UpstreamDocument>, balance(),
               "How an endpoint is chosen (load balancing); every way respects weights. least_connections "
               "counts requests and WebSockets over all workers. { hash: client_address }, { hash: { "
               "header: NAME } }, { hash: { cookie: NAME } } and { hash: { query: NAME } } send equal "
               "values to one endpoint (consistent hashing); an endpoint that joins or leaves moves its "
               "own share of the values only, and a request without a value is sent round robin. { learn: "
               "{ response_header: NAME, request_header: NAME, otherwise: round_robin, values: 100000 } } "
               "remembers which endpoint gave a value in a response header field, such as Mcp-Session-Id, "
               "and sends requests with that value to it, over all workers and reloads; without "
               "request_header it is response_header. A value is forgotten when its endpoint answers 404, "
               "or answers a DELETE with a status below 400; when more values than `values` are known, the "
               "one that was used longest ago is forgotten. A request without a known value is balanced as "
               "`otherwise` says.")
          .folded()
          .example("round_robin")
          .key("slow_start", &UpstreamDocument::slow_start, duration(0ms, 1h),
               "How long the weight of an endpoint takes to grow from little to full after it came up or "
               "was added by a reload. With 0s, its weight is full at once.")
          .key("queue", &UpstreamDocument::queue, map(queue_keys),
               "Lets requests wait while every endpoint is at its max_requests; without it they are "
               "answered with 503 at once. On each worker, clients are served in turn, one request each, "
               "and the requests of one client in the order in which they came; a client is an address, or "
               "the /64 of an IPv6 address. A place that becomes free on another worker is noticed within "
               "20 ms.")
          .key("sticky", &UpstreamDocument::sticky, map(sticky_keys),
               "Sticky sessions: a signed cookie keeps a client at the endpoint that answered it first. "
               "When that endpoint is not available, another one is chosen and the cookie changes; while "
               "it is only at its max_requests, another one answers and the cookie stays. Endpoints do not "
               "see the cookie.")
          .commented_out()
          .key("ca", &UpstreamDocument::ca, text("file"),
               "The PEM file with the certificate authorities (CA) that https endpoints are verified with.")
          .by_default("the system's certificates")
          .example("internal-ca.pem")
          .located(&UpstreamDocument::ca_location)
          .key("tls", &UpstreamDocument::certificate, map(upstream_certificate_keys),
               "The certificate that the gateway shows to https endpoints which ask for one (mutual TLS).")
          .commented_out()
          .key("insecure", &UpstreamDocument::insecure, boolean(),
               "Whether https endpoints are used without verifying their certificates. Use it on a "
               "development machine only; the configuration check warns of it.")
          .key("server_name", &UpstreamDocument::server_name, text("host name", parse_host),
               "The name that is sent to https endpoints (SNI), and that their certificates must have.")
          .by_default("the endpoint's host")
          .example("api.internal")
          .key("timeouts", itself<UpstreamDocument>, map(timeout_keys),
               "The time limits of one attempt at an endpoint.")
          .key("limits", itself<UpstreamDocument>, map(response_limit_keys),
               "The limits for the head of an endpoint's response. A larger one is answered with 502.")
          .key("proxy_protocol", &UpstreamDocument::proxy_protocol,
               words<net::ProxyVersion>({{"v1", net::ProxyVersion::v1}, {"v2", net::ProxyVersion::v2}}),
               "The version of the PROXY protocol header with which every connection to an endpoint "
               "begins, before TLS. It names the client, so each connection carries one request (or "
               "WebSocket) only. Without this key, no header is sent.")
          .example("v2")
          .commented_out()
          .key("keepalive_connections", &UpstreamDocument::keepalive_connections, number(0, 65'535),
               "The maximum number of unused connections that are kept open for reuse, per endpoint and "
               "worker. With 0, every request opens a new connection.")
          .key("retries", &UpstreamDocument::retries,
               map(retry_keys).short_for("attempts").in_words("number or map"),
               "Retries a failed request at other endpoints where nothing can be lost by it. `retries: 2` "
               "is short for { attempts: 2 }, and `retries: 0` turns retries off.")
          .key("health", &UpstreamDocument::health, map(health_keys),
               "Active health checks: every endpoint is checked at an interval, once for all workers. An "
               "endpoint that is down gets requests only when no other is available, and none at all where "
               "the upstream has hold.")
          .key("eject", &UpstreamDocument::eject, Eject(),
               "Ejects an endpoint whose requests fail (circuit breaker, outlier detection): for a time it "
               "gets no requests while another endpoint is available. Each worker judges by its own "
               "traffic. With none, no endpoint is ejected.")
          .key("hold", &UpstreamDocument::hold, Hold(),
               "Lets a request that finds no endpoint wait for one instead of failing at once, for example "
               "while the application restarts. `hold: 10s` is short for { time: 10s }; choose less than "
               "the clients' own timeouts (10s suits browsers). With hold on, an endpoint that is down is "
               "never tried: the request can wait for its check instead. A request that waits keeps the "
               "endpoints that it came to: a reload that names better ones helps later requests only.")
          .key("host", &UpstreamDocument::host_sent, HostSent(),
               "The Host field that endpoints get: preserve keeps the client's, upstream sends the host of "
               "the endpoint, and any other value is sent as it is.")
          .check(check_upstream);
  return keys;
}

}  // namespace postern::config
