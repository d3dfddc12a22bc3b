#include "net/dns_client.h"

#include <ares.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "net/service_records.h"
#include "net/socket.h"

namespace postern::net {
namespace {

constexpr int tries = 2;  // tries at each server

std::string_view words_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND: return "there is no such name";
    case ARES_ENODATA: return "the name has no such record";
    case ARES_ETIMEOUT: return "no name server answered in time";
    case ARES_ECONNREFUSED: return "no name server could be reached";
    case ARES_ESERVFAIL: return "the name server failed";
    case ARES_EREFUSED: return "the name server refused to answer";
    case ARES_EBADNAME: return "it is not a name that can be asked for";
    default: return ares_strerror(status);
  }
}

base::Duration seconds(int64_t count) { return std::chrono::seconds(std::max<int64_t>(count, 0)); }

NameAnswer answer_of(const ares_addrinfo& found) {
  NameAnswer answer;
  answer.lifetime = base::no_limit;
  for (const ares_addrinfo_cname* at = found.cnames; at; at = at->next)
    answer.lifetime = std::min(answer.lifetime, seconds(at->ttl));
  for (const ares_addrinfo_node* at = found.nodes; at; at = at->ai_next) {
    answer.lifetime = std::min(answer.lifetime, seconds(at->ai_ttl));
    sockaddr_storage storage{};
    std::copy_n(reinterpret_cast<const std::byte*>(at->ai_addr), at->ai_addrlen,
                reinterpret_cast<std::byte*>(&storage));
    const base::IpAddress address = from_kernel(storage).ip;
    const bool known =
        std::find(answer.addresses.begin(), answer.addresses.end(), address) != answer.addresses.end();
    if (!known && answer.addresses.size() < DnsClient::addresses_max) answer.addresses.push_back(address);
  }
  return answer;
}

}  // namespace

// An open query. c-ares reports its end exactly once, at the latest when the channel is destroyed.
struct DnsClient::Query {
  Query(DnsClient& the_client, NameKind the_kind, std::string the_name, Asker& the_asker)
      : client(the_client), kind(the_kind), name(std::move(the_name)), asker(the_asker) {}

  static void on_host(void* argument, int status, int, ares_addrinfo* found) {
    auto* query = static_cast<Query*>(argument);
    NameAnswer answer;
    if (found) {
      answer = answer_of(*found);
      ares_freeaddrinfo(found);
    }
    if (query->client.closing_) return;
    const std::unique_ptr<Query> ended(query);
    if (status == ARES_SUCCESS && !answer.addresses.empty())
      ended->asker.on_answer(std::move(answer));
    else
      ended->asker.on_failure(words_of(status == ARES_SUCCESS ? ARES_ENODATA : status));
  }
  static void on_service(void* argument, int status, int, unsigned char* reply, int size) {
    auto* query = static_cast<Query*>(argument);
    if (query->client.closing_) return;
    const std::unique_ptr<Query> ended(query);
    if (status != ARES_SUCCESS) return ended->asker.on_failure(words_of(status));
    auto answer = read_service_reply(std::as_bytes(std::span(reply, static_cast<size_t>(size))));
    if (!answer) return ended->asker.on_failure("the name is of no service that is there");
    ended->asker.on_answer(std::move(*answer));
  }

  DnsClient& client;
  const NameKind kind;
  const std::string name;
  Asker& asker;
  base::LinkIn<Query> link{this};
};

// A socket of c-ares. c-ares closes it by itself, right after it has reported that it no longer needs it.
struct DnsClient::Watch {
  Watch(DnsClient& the_client, int the_descriptor) : client(the_client), descriptor(the_descriptor) {}
  DnsClient& client;
  const int descriptor;
  UvHandle<uv_poll_t> poll;
};

DnsClient::DnsClient(Loop& loop, const DnsOptions& options) : loop_(loop), options_(options) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  open();
}

DnsClient::~DnsClient() {
  close();
  while (queries_.linked()) const std::unique_ptr<Query> unanswered(base::LinkIn<Query>::of(queries_.next));
}

bool DnsClient::configure(const DnsOptions& options) {
  const bool differs = options != options_;
  options_ = options;
  close();
  open();
  base::Link open_queries;
  open_queries.take_all(queries_);
  while (open_queries.linked()) {
    Query* query = base::LinkIn<Query>::of(open_queries.next);
    query->link.unlink();
    put(*query);
  }
  return differs;
}

void DnsClient::open() {
  ares_options options{};
  options.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options_.timeout).count());
  options.tries = tries;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* argument, ares_socket_t descriptor, int readable, int writable) {
    static_cast<DnsClient*>(argument)->watch(descriptor, readable != 0, writable != 0);
  };
  const int given = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) {
    channel_ = nullptr;
    return;
  }
  if (options_.nameservers.empty()) return;
  std::string servers;
  for (const base::SocketAddress& server : options_.nameservers)
    servers += (servers.empty() ? "" : ",") + server.text();
  base::check(ares_set_servers_ports_csv(channel_, servers.c_str()) == ARES_SUCCESS,
              "c-ares does not take the name servers");
}

void DnsClient::close() {
  closing_ = true;
  if (channel_) ares_destroy(std::exchange(channel_, nullptr));
  closing_ = false;
  watches_.clear();
  disarm();
}

void DnsClient::ask(NameKind kind, const std::string& name, Asker& asker) {
  put(*std::make_unique<Query>(*this, kind, name, asker).release());  // the end of the query frees it
}

void DnsClient::put(Query& query) {
  if (!channel_) {
    const std::unique_ptr<Query> ended(&query);
    return ended->asker.on_failure("the resolver could not be started");
  }
  queries_.append(query.link);
  if (query.kind == NameKind::host) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT;  // the dialer chooses its own order
    ares_getaddrinfo(channel_, query.name.c_str(), nullptr, &hints, &Query::on_host, &query);
  } else {
    constexpr int class_internet = 1;
    constexpr int type_srv = 33;  // RFC 2782
    ares_search(channel_, query.name.c_str(), class_internet, type_srv, &Query::on_service, &query);
  }
  arm_timer();
}

void DnsClient::watch(int descriptor, bool readable, bool writable) {
  if (!readable && !writable) {
    watches_.erase(descriptor);
    return;
  }
  std::unique_ptr<Watch>& watch = watches_[descriptor];
  if (!watch) {
    watch = std::make_unique<Watch>(*this, descriptor);
    if (uv_poll_init(loop_.uv(), watch->poll.get(), descriptor) != 0) {
      watches_.erase(descriptor);  // its queries fail when their timeout passes
      return;
    }
    watch->poll.opened(watch.get());
  }
  uv_poll_start(watch->poll.get(), (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                [](uv_poll_t* handle, int status, int events) {
                  const auto* ready = static_cast<Watch*>(handle->data);
                  const bool broken = status < 0;  // c-ares detects the failure by itself
                  DnsClient& client = ready->client;
                  const int socket = ready->descriptor;
                  // The lifetime of an answer begins now, however long the loop has waited.
                  client.loop_.turn().now = monotonic_now();
                  client.process(broken || (events & UV_READABLE) ? socket : ARES_SOCKET_BAD,
                                 broken || (events & UV_WRITABLE) ? socket : ARES_SOCKET_BAD);
                });
}

void DnsClient::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  arm_timer();
}

void DnsClient::on_deadline() { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

void DnsClient::arm_timer() {
  timeval left{};
  if (!channel_ || !ares_timeout(channel_, nullptr, &left)) return disarm();
  loop_.turn().arm(*this, std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
}

}  // namespace postern::net
