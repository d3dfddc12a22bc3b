// The keys of a route for its action: `upstream`, `files`, `spa`, `respond`, `redirect` and `maintenance`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// The name of an upstream, or the URL of an endpoint in its place.
struct UpstreamReference {
  void read_into(const Value& value, RouteDocument& route) const;
  std::string words() const { return "name or URL"; }
  std::string shown(const RouteDocument&) const { return {}; }
  std::string json_schema() const { return scalar_schema(); }
};

// `spa`, which fills a part of the `files` of the route.
struct SinglePageKind {
  void read_into(const Value& value, RouteDocument& route) const;
  std::string words() const { return "true, false or map"; }
  std::string shown(const RouteDocument&) const { return "false"; }
  std::string json_schema() const;
  Shape shape() const { return Shape::section; }
  bool is_switch() const { return true; }
  const Section* section() const;
};

const Keys<FilesDocument>& files_keys();
const Keys<RespondDocument>& respond_keys();
const Keys<RedirectDocument>& redirect_keys();
const Keys<policy::MaintenanceOptions>& maintenance_keys();

// Checks that a route whose maintenance lets some clients pass has an action for them.
void check_actions(const Fields& fields, RouteDocument& route);

}  // namespace postern::config
