// Result<T>: a value or an Error (Boost.Outcome). Reading the wrong side is undefined by policy, so
// test first. TRY(name, expression) binds the value to `name` or returns the error; TRY_VOID for
// Result<void>.
#pragma once

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/success_failure.hpp>
#include <boost/outcome/try.hpp>

#include "base/error.h"

namespace tributary {

template <typename T>
using Result = boost::outcome_v2::basic_result<T, Error, boost::outcome_v2::policy::terminate>;

// The success of a Result<void>: `return success();`
using boost::outcome_v2::success;

}  // namespace tributary

#define TRIBUTARY_TRY(name, expression) BOOST_OUTCOME_TRY(name, expression)
#define TRIBUTARY_TRY_VOID(expression) BOOST_OUTCOME_TRYV(expression)
