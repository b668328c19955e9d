#include "connectors/postgresql/server/quote.h"

#include "base/quoted_by.h"

namespace tributary::postgresql {

std::string quote_identifier(std::string_view text) {
    return quoted_by(text, '"');
}

std::string quote_literal(std::string_view text) {
    return quoted_by(text, '\'');
}

}  // namespace tributary::postgresql
