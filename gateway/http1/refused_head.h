// What can be told of a request that was refused at its head: who asked for what, for the log and for an
// answer in the client's form. Nothing may be decided by it.
#pragma once

#include <string_view>

#include "http/head.h"

namespace postern::http1 {

// `text`: what has come of the head, or all of it. Method, target, host, version and those fields that are
// well-formed; nothing where the first line is no request line, for then the bytes may be of a body.
// User information (user:password@) is left out of target and host.
http::RequestHead read_refused_head(std::string_view text);

}  // namespace postern::http1
