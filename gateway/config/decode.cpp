#include "config/decode.h"

#include "config/keys_document.h"

namespace postern::config {
namespace {

void collect_written(const Node& node, Document& document) {
  if (node.substituted) document.as_written.emplace(node.location, node.written);
  for (const Node& item : node.items) collect_written(item, document);
}

}  // namespace

Document decode(const Node& root, Diagnostics& diagnostics) {
  Document document;
  collect_written(root, document);
  document_keys().read(Value(root, "", "", diagnostics), &document);
  return document;
}

}  // namespace postern::config
