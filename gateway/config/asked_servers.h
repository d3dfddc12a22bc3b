// How the file names a server that a route asks about requests: by a URL, or by an upstream and a path.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

// The URL that is asked: an upstream of one endpoint, and the path.
CustomPart<AskedServer> asked_url();

// A path and query.
ParsedText<std::string> asked_path();

// The member of a structure that all keys above fill.
template <class Document>
AskedServer& asked_server(Document& document) {
  return document;
}

}  // namespace postern::config
