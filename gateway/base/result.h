// Result<T>: a value or an Error. Other files use this alias instead of tl::expected for errors of the data
// path.
#pragma once

#include <tl/expected.hpp>

#include "base/error_fwd.h"

namespace postern::base {

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(error); }
inline tl::unexpected<Error> fail(Cause cause, Stage stage) { return fail(Error{cause, stage}); }

}  // namespace postern::base
