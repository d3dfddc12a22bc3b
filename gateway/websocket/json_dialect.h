// Messages that are JSON, with their type and their key at a path each.
#pragma once

#include <optional>

#include "base/json_scanner.h"
#include "websocket/dialect.h"

namespace postern::websocket {

class JsonDialect final : public Dialect {
 public:
  // nullopt: messages have no such part.
  JsonDialect(std::optional<base::JsonPath> type, std::optional<base::JsonPath> key)
      : type_(std::move(type)), key_(std::move(key)) {}

 private:
  Found find(Part part, std::string_view message) const override;

  std::optional<base::JsonPath> type_;
  std::optional<base::JsonPath> key_;
};

}  // namespace postern::websocket
