// The fixture for the tests of the upstream module: a group of endpoints in memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/root_task.h"
#include "support/fake_upstream.h"
#include "support/log_capture.h"
#include "support/turn_fixture.h"
#include "upstream/connector.h"
#include "upstream/registry.h"

namespace postern::upstream {

inline GroupModel model_of(std::string name, const std::vector<uint16_t>& ports,
                           Balance balance = Balance::round_robin) {
  GroupModel model;
  model.name = std::move(name);
  model.balance = balance;
  for (uint16_t port : ports) {
    EndpointModel endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.port = port;
    endpoint.text = "http://127.0.0.1:" + std::to_string(port);
    model.endpoints.push_back(std::move(endpoint));
  }
  return model;
}

// Connects in its own task and stores the result.
class Connecting final : private base::RootTask<base::Result<Lease>>::Owner {
 public:
  Connecting(support::TurnFixture& turns, const Connector& connector, const Group& group, size_t index)
      : scope(turns.turn), permit(group.endpoint(index)) {
    Owner& self = *this;
    task_.begin(connector.connect(scope, group, index, std::nullopt, permit, tried), self);
    turns.settle();
  }
  Lease take() { return std::move(**outcome); }

  base::Scope scope;
  Permit permit;
  std::string tried;
  std::optional<base::Result<Lease>> outcome;

 private:
  void on_task_ended(base::Result<Lease> result) override {
    outcome.emplace(std::move(result));
    permit = {};  // releases the permit when no lease took it
  }
  base::RootTask<base::Result<Lease>> task_;
};

// A group of one worker, with its own turns and network.
struct UpstreamFixture {
  explicit UpstreamFixture(const std::vector<uint16_t>& ports, Balance balance = Balance::round_robin)
      : UpstreamFixture(model_of("app", ports, balance)) {}
  explicit UpstreamFixture(GroupModel model) { adopt(std::move(model)); }
  ~UpstreamFixture() {
    groups.clear();
    turns.turn.run();
  }
  Group& group() { return *groups[0]; }
  Endpoint& endpoint(size_t index) { return *group().endpoint(index); }
  // Makes a new connection to an endpoint.
  Lease connected(size_t index = 0) { return Connecting(turns, connector, group(), index).take(); }
  Lease idle(size_t index = 0, base::Duration longest = base::no_limit) {
    Permit permit(group().endpoint(index));
    return connector.reuse(group(), index, permit, longest);
  }
  // Picks for a request from `client` that has no value to hash.
  Pick pick(const std::vector<size_t>& tried = {}) { return group().pick({client, headers, {}}, tried); }
  // Returns the index of the picked endpoint and releases its permit at once; nothing when there is none.
  std::optional<size_t> picked(const std::vector<size_t>& tried = {}) {
    const Pick found = pick(tried);
    return found.permit ? std::optional(found.index) : std::nullopt;
  }
  // Adopts another model of the only group, as a reload does.
  void adopt(GroupModel model) {
    std::vector<GroupModel> next;
    next.push_back(std::move(model));
    groups = registry.adopt(next);
    models = std::move(next);  // the groups refer to the models in the vector's memory
  }
  // Runs one request and its response on a connection, so that it is reusable.
  void exchange(Lease& lease) {
    http::RequestHead head;
    head.method_text = "GET";
    head.target = "/";
    head.headers.add("Host", "a");
    lease->request_body().end();
    lease->send(head);
    turns.settle();
    while (lease->response_body().has_bytes()) static_cast<void>(lease->response_body().take());
  }
  // Makes a lease that is used and returned.
  void use_and_return(size_t index = 0) {
    Lease lease = connected(index);
    exchange(lease);
  }

  support::TurnFixture turns;
  support::FakeUpstream upstream{turns};
  Connector connector{turns.turn, upstream};
  base::IpAddress client = base::IpAddress::v4({203, 0, 113, 9});
  http::Headers headers;
  std::vector<GroupModel> models;
  support::LogCapture log;
  state::ProcessLoads process_loads;
  Registry registry{turns.turn, process_loads, 1, &log.logger()};
  std::vector<GroupRef> groups;
};

}  // namespace postern::upstream
