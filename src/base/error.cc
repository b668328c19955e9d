#include "base/error.h"

#include "base/assert.h"

namespace tributary {

const ErrorKind kUnsetError{"unset", ErrorClass::fatal, 70, "", ""};

std::string_view to_string(ErrorClass error_class) noexcept {
    switch (error_class) {
        case ErrorClass::transient:
            return "transient";
        case ErrorClass::definite:
            return "definite";
        case ErrorClass::corrupt:
            return "corrupt";
        case ErrorClass::fatal:
            return "fatal";
    }
    TRIBUTARY_ASSERT(false);
}

Error Error::at(std::string_view where) const {
    std::string text(where);
    text += ": ";
    text += what_;
    return {*kind_, std::move(text)};
}

std::string Error::message() const {
    std::string text(kind_->name);
    text += ": ";
    text += what_;
    text += ". Safe: ";
    text += kind_->safe;
    text += " Next: ";
    text += kind_->next;
    return text;
}

}  // namespace tributary
