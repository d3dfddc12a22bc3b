// The configuration file as plain structs. Their defaults are those of the keys. Nothing after this parses
// text: durations, sizes, addresses and URLs have types here. Each part knows its place in the file
// (SourceLocation), so that later checks can report line and column. Names of files are as written: absolute,
// or relative to the folder of Document::file.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error_fwd.h"
#include "base/ip_address.h"
#include "coding/negotiation.h"
#include "config/diagnostics.h"
#include "files/site.h"
#include "http/local_response.h"
#include "http/redaction.h"
#include "http/url.h"
#include "identity/fetch_settings.h"
#include "net/dns_client.h"
#include "net/proxy_protocol.h"
#include "net/tls_context.h"
#include "policy/answer_token.h"
#include "policy/auth_desk.h"
#include "policy/claim_rules.h"
#include "policy/client_certificate.h"
#include "policy/cookie_rules.h"
#include "policy/csrf.h"
#include "policy/header_rules.h"
#include "policy/jwt_forwarding.h"
#include "policy/jwt_source.h"
#include "policy/jwt_verifier.h"
#include "policy/maintenance.h"
#include "policy/origin_list.h"
#include "policy/path_rewrite.h"
#include "policy/rate_limit.h"
#include "policy/socket_limit.h"
#include "policy/token_exchange.h"
#include "proxy/listener_limits.h"
#include "proxy/logged_parts.h"
#include "routing/action.h"
#include "routing/conditions.h"
#include "routing/rewriting.h"
#include "routing/socket_rules.h"
#include "routing/stream_rules.h"
#include "routing/transfer_limits.h"
#include "telemetry/log_line.h"
#include "tunnel/drain_rate.h"
#include "upstream/group_model.h"

namespace postern::config {

using Milliseconds = std::chrono::milliseconds;

struct CertificateFiles : net::KeyPairFiles {
  SourceLocation location;  // of the certificate
  SourceLocation key_location;
};

// client_certificates of a listener.
struct ClientCertificatesDocument : net::ClientVerifierOptions {
  SourceLocation location;
  SourceLocation ca_location;
  SourceLocation crl_location;
};

struct TlsDocument {
  std::vector<CertificateFiles> certificates;  // chosen by SNI; the first is the default
  bool tls1_3_only = false;                    // min_version: "1.3"
  std::string ciphers;                         // TLS 1.2 list in OpenSSL's syntax; empty: Postern's default
  bool is_list = false;                        // the file has certificates:, and not certificate: and key:
  CertificateFiles single;                     // certificate: and key:, used only while the section is read
  std::optional<ClientCertificatesDocument> clients;
  SourceLocation location;
};

struct LimitsDocument {
  proxy::ListenerLimits listener;  // defaults for every listener
  uint32_t connections = 20'000;   // clients of the whole process
  Milliseconds drain_timeout{30'000};
  tunnel::DrainRate tunnel_drain;  // of the whole process
};

struct ListenerDocument {
  std::string host;   // as written; empty: every address
  uint16_t port = 0;  // 0: the system chooses one, and the log names it
  std::optional<TlsDocument> tls;
  std::optional<net::ProxyHeaderRules> proxy_protocol;
  bool redirect_to_https = false;            // redirect: https
  std::vector<std::string> redirect_except;  // paths that are served without a redirect
  proxy::ListenerLimits limits;              // complete: includes the defaults from Document::limits
  SourceLocation location;
  SourceLocation address_location;  // line 0, while `location` has a line: the address could not be read
  SourceLocation redirect_location;
};

struct OriginEntry : policy::OriginRule {
  SourceLocation location;
};

// Which rules of an origin list only report what they would refuse.
enum class ReportOnly : uint8_t { nothing, csrf, all };

struct OriginsDocument {
  std::string name;
  std::vector<OriginEntry> allow;
  bool credentials = false;
  std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  std::vector<std::string> headers;  // allowed request fields; empty: those the preflight asks for
  std::vector<std::string> expose;
  std::chrono::seconds max_age{600};
  bool refuse_navigations = false;    // navigations: refuse
  bool require_on_websocket = false;  // require: true refuses an upgrade without an Origin field
  policy::Csrf csrf = policy::Csrf::off;
  ReportOnly report_only = ReportOnly::nothing;
  uint64_t fingerprint = 0;  // see config/fingerprint.h
  SourceLocation location;
};

struct TokenSource : policy::JwtSource {
  SourceLocation location;
};

struct JwtDocument : policy::JwtRules {
  std::string name;
  std::string keys_file;                            // JWKS (JSON) or PEM
  std::optional<http::Url> keys_url;                // of a JWKS, in place of the file
  bool discover = false;                            // in place of both: the issuer's metadata name the JWKS
  identity::FetchSettings fetch;                    // of keys without a file
  std::string fetch_ca;                             // PEM bundle for https; empty: the system's
  std::string secret;                               // HS*; never printed
  std::vector<TokenSource> from = {TokenSource()};  // in the order in which they are tried
  uint64_t fingerprint = 0;                         // see config/fingerprint.h
  SourceLocation location;
  SourceLocation keys_location;
  SourceLocation fetch_ca_location;
  bool fetches_keys() const { return keys_url || discover; }
};

struct UserDocument {
  std::string name;
  std::string hash;  // of the password; never printed
};

// A named list of users for Basic authentication.
struct BasicAuthDocument {
  std::string name;
  std::string realm;  // empty: the name of the list
  std::vector<UserDocument> users;
  std::string file;          // of further users: a line "user:hash" for each
  uint64_t fingerprint = 0;  // see config/fingerprint.h
  SourceLocation location;
  SourceLocation file_location;
};

// What a route says about the list that it uses.
struct BasicAuthUse {
  std::string use;         // the name of the list; empty: none
  std::string user_field;  // forward_user; empty: the endpoint is not told
  bool keep_authorization = false;
  SourceLocation location;
  SourceLocation user_field_location;
};

// The header fields in which the endpoint gets what stands in a client's certificate; empty: it does not.
class CertificateFields {
 public:
  static constexpr std::size_t count = static_cast<std::size_t>(policy::CertificateValue::certificate) + 1;
  std::string& operator[](policy::CertificateValue value) {
    return headers_[static_cast<std::size_t>(value)];
  }
  std::vector<policy::CertificateField> all() const;

 private:
  std::array<std::string, count> headers_;
};

// client_certificate of a route.
struct ClientCertificateUse {
  bool required = true;
  std::vector<std::string> subjects;
  std::vector<std::string> alternative_names;
  CertificateFields forward;
  SourceLocation location;
  SourceLocation forward_location;
};

struct EndpointUrl : upstream::EndpointModel {
  bool demo = false;  // the application built into the binary ("demo:")
  SourceLocation location;
};

struct ForwardAuthField : policy::AuthAnswerField {
  SourceLocation location;
};

struct ForwardAuthCache : policy::AuthCacheRules {
  SourceLocation location;
  SourceLocation key_location;  // line 0: it has no key
};

// A server that a route asks about requests.
struct AskedServer {
  std::string upstream;
  SourceLocation upstream_location;
  std::optional<EndpointUrl> endpoint;  // of a url; `upstream` is then its text
  std::string target = "/";             // path and query
};

// The authentication server that a route asks.
struct ForwardAuthDocument : AskedServer {
  base::Duration timeout = policy::AuthServer().timeout;
  size_t answer_size = policy::AuthServer().answer_size;
  std::vector<std::string> request_fields;  // empty: all
  std::vector<ForwardAuthField> answer_fields;
  bool sets_cookies = false;
  std::string sign_in;
  std::optional<ForwardAuthCache> cache;
  uint64_t fingerprint = 0;  // see config/fingerprint.h
  SourceLocation location;
};

// The refresh endpoint that a route asks for fresh tokens. Without an upstream it is at that of the route.
struct TokenRefreshDocument : AskedServer {
  std::string method = "POST";
  std::string cookie;
  policy::AnswerTokenPlace token;
  base::Duration timeout = policy::AuthServer().timeout;
  SourceLocation location;
};

struct RateLimitDocument {
  using By = policy::RateLimitRule::By;
  By by = By::client_address;
  std::string name;
  uint32_t count = 0;
  std::chrono::seconds per{1};
  uint32_t burst = 0;
  std::string key;  // name of the header or the claim
  bool report_only = false;
  SourceLocation location;
};

struct StickyDocument : upstream::StickyOptions {
  std::string secret;              // never printed
  SourceLocation cookie_location;  // of the whole section when it names no cookie
};

struct UpstreamDocument : upstream::GroupSettings {
  std::vector<EndpointUrl> endpoints;
  std::optional<StickyDocument> sticky;
  std::string ca;                               // PEM bundle for https endpoints; empty: the system's
  std::optional<CertificateFiles> certificate;  // for https endpoints that ask for one
  bool insecure = false;                        // certificates are not verified; loading warns of it
  routing::HostRule host_sent;                  // to the endpoints, unless the route has one
  SourceLocation location;
  SourceLocation ca_location;
};

// A rule of required_claims of a route.
struct ClaimRuleDocument : policy::ClaimRule {
  std::string key;  // "routes[0].required_claims[1]"
  SourceLocation location;
};

struct ForwardedClaim {
  std::string claim;
  std::string header;
  SourceLocation location;
};

struct RespondDocument : http::LocalResponse {  // its headers without Content-Type
  std::string body_file;     // in place of a body; absolute or relative to the configuration file
  std::string content_type;  // of the body, if any; empty: by the name of the file, or plain text
  SourceLocation body_file_location;
};

inline constexpr std::size_t max_respond_body = std::size_t{64} * 1024;

struct RedirectDocument : routing::Redirect {
  SourceLocation location;
};

struct FilesDocument : files::Options {  // its root is absolute, or relative to the configuration file
  SourceLocation location;
  SourceLocation root_location;
};

struct PathRewriteDocument : policy::PathRewriteOptions {
  bool from_match = false;  // replace_prefix: `from` becomes the path of the match when it is compiled
  bool strips() const { return !from.empty() && to == "/"; }
  SourceLocation location;  // of the prefix or the pattern
};

// The settings for WebSockets: the rules for their traffic, and the limits and names that compiling turns
// into policies and indexes.
struct WebSocketDocument : routing::SocketRules {
  policy::SocketLimits limits;
  std::vector<std::pair<std::string, SourceLocation>> message_limit_names;  // in rate_limits
  std::vector<std::pair<std::string, SourceLocation>> byte_limit_names;
  // The location of each key ("from_client.rate") that the file sets for this route, on the route itself or
  // for all routes.
  std::map<std::string, SourceLocation, std::less<>> said;
};

// A route that takes the logout tokens of a provider.
struct BackchannelLogoutDocument {
  std::string use;                     // a name of jwt
  std::vector<std::string> audiences;  // the client ids by which the provider knows the application
  SourceLocation location;
};

// Where clients of a route get a new token from the application.
struct RefreshCallsDocument {
  std::vector<std::string> paths;
  policy::AnswerTokenPlace token;
  std::string use;  // a name of jwt; empty: the only one
  SourceLocation location;
};

struct RouteDocument {
  std::string name;                // default: "routes[N]"
  std::vector<std::string> hosts;  // one of "app.example.com", "*.example.com"; empty: any
  std::vector<std::string> paths = {"/"};
  bool exact = false;          // match.exact instead of match.path
  bool pattern_alone = false;  // the match has a pattern and no path; `paths` are the folders of the pattern
  std::vector<std::string> methods;                       // empty: any
  std::optional<bool> strict_paths;                       // nullopt: as Document::strict_paths
  std::shared_ptr<const routing::Conditions> conditions;  // null: none
  std::vector<std::string> allow;                         // CIDR blocks; empty: any client
  std::vector<std::string> deny;                          // checked before `allow`
  bool address_rules_report_only = false;                 // address_rules: report_only
  // The action of the route: one of the following, or `maintenance` alone.
  std::string upstream;
  SourceLocation upstream_location;
  std::optional<EndpointUrl> endpoint;  // set when `upstream` is the URL of an endpoint, not a name
  std::optional<RespondDocument> respond;
  base::Duration ticket{};  // the lifetime of the tickets that the route issues; zero: it issues none
  SourceLocation ticket_location;
  bool renew = false;  // the route takes new tokens for what is open
  SourceLocation renew_location;
  std::optional<RedirectDocument> redirect;
  std::optional<FilesDocument> files;
  std::optional<BackchannelLogoutDocument> backchannel_logout;
  std::optional<policy::MaintenanceOptions> maintenance;
  std::optional<PathRewriteDocument> rewrite;
  std::optional<routing::HostRule> host_sent;  // nullopt: as UpstreamDocument::host_sent
  bool rewrite_location = true;
  std::optional<policy::CookieRulesOptions> cookies;
  std::vector<policy::FieldRule> request_headers;  // after those of the document
  std::vector<policy::FieldRule> response_headers;
  std::string origins;  // empty: none
  SourceLocation origins_location;
  std::optional<ClientCertificateUse> certificate;
  BasicAuthUse basic_auth;
  std::optional<ForwardAuthDocument> forward_auth;
  bool any_access = false;  // access: any; otherwise a client needs all that the route asks for
  SourceLocation access_location;
  std::vector<std::pair<std::string, SourceLocation>> jwt;  // names; a token of any of them is enough
  bool jwt_required = true;
  // forward_as of jwt. It is the route's: where an endpoint expects a token is a fact of its upstream, and
  // several upstreams may trust one issuer.
  policy::JwtForwarding forward_token;
  bool jwt_report_only = false;
  std::optional<TokenRefreshDocument> token_refresh;  // refresh of jwt
  std::vector<std::string> logout_paths;              // of the application, which log out
  std::optional<RefreshCallsDocument> refresh_calls;
  std::vector<ClaimRuleDocument> required_claims;
  std::vector<ForwardedClaim> forward_claims;
  std::vector<std::pair<std::string, SourceLocation>> rate_limits;  // names
  routing::RouteLimits limits;
  WebSocketDocument websocket;               // complete: includes the defaults from Document::websocket
  routing::StreamRules streams;              // complete: includes the defaults from Document::streams
  std::optional<coding::Rules> compression;  // complete: includes the defaults from Document::compression
  uint64_t fingerprint = 0;                  // of all keys but name, websocket, event_streams and rate_limit
  SourceLocation location;
  SourceLocation name_location;
  SourceLocation match_location;  // line 0: the route has no match, and takes every request
  bool match_read = true;         // false: the match has errors and must not be used
};

enum class ForwardedMode : uint8_t { x_forwarded, rfc7239, both, off };

// An operator's own page for errors that the gateway answers itself.
struct ErrorPageDocument {
  uint16_t first = 0;  // statuses, both included
  uint16_t last = 0;
  std::string file;
  SourceLocation location;
};

struct ErrorPagesDocument {
  bool full_detail = false;
  std::vector<ErrorPageDocument> pages;
  SourceLocation detail_location;
};

struct LogDocument {
  telemetry::LogFormat format = telemetry::LogFormat::json;
  base::Severity level = base::Severity::info;
  bool access = true;
  std::string output = "stdout";  // or the name of a file
  SourceLocation output_location;
  // Query parameters whose values are never logged: these defaults, the names that the file adds, and every
  // parameter from which a jwt.*.from takes a token.
  std::vector<std::string> redact = http::usual_secret_names();
  proxy::TokenParts token;              // that the access log shows
  proxy::CertificateParts certificate;  // likewise
};

struct RevocationsDocument {
  base::Duration token_life = std::chrono::hours(24);  // of the longest-lived token
};

struct AdminDocument {
  std::string host;       // an address, or localhost; empty: every address
  uint16_t port = 0;      // 0: the system chooses one, and the log names it
  std::string unix_path;  // instead of host and port
  bool is_public = false;
  bool same_address(const AdminDocument& other) const {
    return host == other.host && port == other.port && unix_path == other.unix_path;
  }
};

struct Document {
  std::string file;      // the path that was given to load_file()
  Diagnostics warnings;  // warnings of loading; never errors
  // The text in the file of each value that has environment variables in it.
  std::map<SourceLocation, std::string> as_written;
  uint32_t workers = 0;           // 0: one per core
  base::CidrSet trusted_proxies;  // peers whose X-Forwarded-* and request id are trusted
  bool via = false;
  bool strict_paths = false;
  ForwardedMode forwarded = ForwardedMode::x_forwarded;
  ErrorPagesDocument error_pages;
  std::string request_id_header = "X-Request-Id";  // empty: off
  std::vector<policy::FieldRule> request_headers;  // of every route
  std::vector<policy::FieldRule> response_headers;
  std::vector<ListenerDocument> listeners;
  std::vector<std::string> hosts;  // of the gateway, in addition to those that routes name
  std::vector<OriginsDocument> origins;
  std::vector<BasicAuthDocument> basic_auth;
  std::vector<JwtDocument> jwt;
  std::vector<RateLimitDocument> rate_limits;
  std::vector<UpstreamDocument> upstreams;
  std::optional<coding::Rules> compression;  // default for routes; nullopt: off
  WebSocketDocument websocket;               // defaults for routes
  routing::StreamRules streams;              // defaults for routes
  std::vector<RouteDocument> routes;
  net::DnsOptions resolver;
  LogDocument log;
  LimitsDocument limits;
  std::optional<AdminDocument> admin;
  std::optional<RevocationsDocument> revocations;  // nullopt: the admin listener takes none

  // Returns `value`, which comes from `location`, in double quotes for a diagnostic. It is quoted as written
  // in the file, so that no value of an environment variable is printed. Never call it for a secret.
  std::string quote(SourceLocation location, std::string_view value) const;
};

// Returns the sections of the route's jwt, in the order in which it names them, and passes over names that do
// not exist.
std::vector<const JwtDocument*> providers_of(const Document& document, const RouteDocument& route);
// The name of the section of jwt that checks the tokens of `refresh`; empty: it names none, and there is not
// one only.
std::string_view provider_of(const Document& document, const RefreshCallsDocument& refresh);
// Whether some route takes new tokens of this section for what is open.
bool is_renewed(const Document& document, const JwtDocument& jwt);

}  // namespace postern::config
