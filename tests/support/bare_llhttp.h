// Reads messages with llhttp in strict mode alone, without the gateway's rules: it shows how servers that use
// llhttp would read the same bytes.
#pragma once

#include <llhttp.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::support {

struct BareMessage {
  std::string method, target;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // with the trailers after the fields of the head
  std::string body;
  size_t size = 0;
};

struct BareReading {
  bool whole = false;  // one complete message
  bool refused = false;
  BareMessage message;
};

// Reads the first message of `bytes`. `to_head`: it is a response to a HEAD. `ended`: the connection ends
// after `bytes`.
inline BareReading read_with_llhttp(std::string_view bytes, llhttp_type_t type, bool to_head = false,
                                    bool ended = false) {
  struct State {
    BareReading reading;
    bool to_head = false;
    bool in_value = true;
  } state;
  state.to_head = to_head;
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = [](llhttp_t* machine, const char* at, size_t length) {
    static_cast<State*>(machine->data)->reading.message.target.append(at, length);
    return 0;
  };
  settings.on_header_field = [](llhttp_t* machine, const char* at, size_t length) {
    auto* self = static_cast<State*>(machine->data);
    if (std::exchange(self->in_value, false)) self->reading.message.fields.emplace_back();
    self->reading.message.fields.back().first.append(at, length);
    return 0;
  };
  settings.on_header_value = [](llhttp_t* machine, const char* at, size_t length) {
    auto* self = static_cast<State*>(machine->data);
    self->reading.message.fields.back().second.append(at, length);
    return 0;
  };
  settings.on_header_value_complete = [](llhttp_t* machine) {
    auto* self = static_cast<State*>(machine->data);
    self->in_value = true;
    std::string& value = self->reading.message.fields.back().second;
    value.erase(value.find_last_not_of(" \t") + 1);
    return 0;
  };
  settings.on_headers_complete = [](llhttp_t* machine) {
    auto* self = static_cast<State*>(machine->data);
    machine->upgrade = 0;
    self->reading.message.status = machine->status_code;
    const int status = machine->status_code;
    const bool response = machine->type == HTTP_RESPONSE;
    return response && (self->to_head || status < 200 || status == 204 || status == 304) ? 1 : 0;
  };
  settings.on_body = [](llhttp_t* machine, const char* at, size_t length) {
    static_cast<State*>(machine->data)->reading.message.body.append(at, length);
    return 0;
  };
  settings.on_message_complete = [](llhttp_t* machine) {
    static_cast<State*>(machine->data)->reading.whole = true;
    return static_cast<int>(HPE_PAUSED);
  };
  llhttp_t machine;
  llhttp_init(&machine, type, &settings);
  machine.data = &state;
  llhttp_errno_t error = llhttp_execute(&machine, bytes.data(), bytes.size());
  BareMessage& message = state.reading.message;
  message.size = bytes.size();
  if (state.reading.whole) {
    message.size = static_cast<size_t>(llhttp_get_error_pos(&machine) - bytes.data());
  } else if (error == HPE_OK && ended) {
    error = llhttp_finish(&machine);
  }
  state.reading.refused = !state.reading.whole && error != HPE_OK;
  if (type == HTTP_REQUEST) message.method = llhttp_method_name(static_cast<llhttp_method_t>(machine.method));
  return std::move(state.reading);
}

}  // namespace postern::support
