// The one exception of the test servers. Why an exception and not a Result: a server that does not
// start has no caller that could go on, and GoogleTest reports the text of an exception with the
// test's name.
#pragma once

#include <stdexcept>

namespace tributary::servers {

class ServerFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace tributary::servers
