// The keys at the top level of a configuration file.
#pragma once

#include "config/document.h"
#include "config/key.h"

namespace postern::config {

const Keys<Document>& document_keys();

}  // namespace postern::config
