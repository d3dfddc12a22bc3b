#include "config/fingerprint.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "crypto/digest.h"

namespace postern::config {
namespace {

uint64_t number_of(std::string_view text) {
  const crypto::Sha256Digest digest = crypto::sha256(text);
  uint64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof(number));
  return number;
}

// Each text is preceded by its length, so that different trees have different representations.
void write(const Node& node, std::string& text) {
  switch (node.kind) {
    case Node::Kind::null: text += 'n'; return;
    case Node::Kind::scalar: text += 's' + std::to_string(node.text.size()) + ':' + node.text; return;
    case Node::Kind::sequence:
      text += 'l' + std::to_string(node.items.size()) + ':';
      for (const Node& item : node.items) write(item, text);
      return;
    case Node::Kind::map: {
      std::vector<std::string> entries;
      for (size_t i = 0; i < node.items.size(); ++i) {
        const std::string& key = node.keys[i].text;
        std::string entry = std::to_string(key.size()) + ':' + key;
        write(node.items[i], entry);
        entries.push_back(std::move(entry));
      }
      std::sort(entries.begin(), entries.end());
      text += 'm' + std::to_string(entries.size()) + ':';
      for (const std::string& entry : entries) text += entry;
      return;
    }
  }
}

}  // namespace

uint64_t fingerprint(const Node& node, const std::vector<std::string_view>& but) {
  Node kept;
  const Node* shown = &node;
  if (!but.empty() && node.kind == Node::Kind::map) {
    kept.kind = Node::Kind::map;
    for (size_t i = 0; i < node.items.size(); ++i) {
      if (std::find(but.begin(), but.end(), node.keys[i].text) != but.end()) continue;
      kept.keys.push_back(node.keys[i]);
      kept.items.push_back(node.items[i]);
    }
    shown = &kept;
  }
  std::string text;
  write(*shown, text);
  return number_of(text);
}

uint64_t fingerprint(std::initializer_list<uint64_t> parts) {
  std::string text;
  for (uint64_t part : parts) text += std::to_string(part) + ',';
  return number_of(text);
}

void Fingerprint::add(std::string_view text) {
  text_ += std::to_string(text.size()) + ':';
  text_ += text;
}

uint64_t Fingerprint::number() const { return number_of(text_); }

}  // namespace postern::config
