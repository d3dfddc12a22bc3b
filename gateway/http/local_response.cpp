#include "http/local_response.h"
#include "base/error.h"

namespace postern::http {

LocalResponse refusal(base::Cause cause, std::string detail) {
  LocalResponse response;
  response.status = base::traits(cause).status;
  response.cause = cause;
  response.detail = std::move(detail);
  return response;
}

}  // namespace postern::http
