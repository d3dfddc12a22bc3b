// The keys of `revocations`.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<RevocationsDocument>& revocation_keys();

}  // namespace postern::config
