// One try at one endpoint, up to the head of its response.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "http/head.h"
#include "upstream/lease.h"

namespace postern::proxy {

struct Attempt {
  upstream::Lease lease;
  http::ResponseHead head;
  const upstream::EndpointModel* endpoint = nullptr;
  // The upload that runs beside the story; last, so that it ends before the lease it writes to.
  base::Task<base::Result<void>> uploading;
};

}  // namespace postern::proxy
