// What can go wrong, as a value. An ErrorKind is one row of the error table (model/errors.h): a
// stable name, a class that says what the program does, an exit code, and two sentences for the
// operator. An Error is one occurrence of a kind, with the particulars.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace tributary {

enum class ErrorClass {
    transient,  // retry with back-off; nobody needs to act
    definite,   // park this pipeline; the operator must act
    corrupt,    // stop and quarantine: stored bytes are not what was written
    fatal,      // the process cannot go on
};

[[nodiscard]] std::string_view to_string(ErrorClass error_class) noexcept;

// Rows are constants with static storage; an Error keeps a pointer to its row.
struct ErrorKind {
    std::string_view name;  // stable, snake_case: metrics, logs and documents use it
    ErrorClass error_class;
    int exit_code;          // process exit code when this ends the process
    std::string_view safe;  // what is safe now
    std::string_view next;  // what the operator does next
};

// The kind of a default-constructed Error, which only storage inside Result ever holds.
extern const ErrorKind kUnsetError;

class [[nodiscard]] Error {
  public:
    Error() : kind_(&kUnsetError) {}

    // `what` says what happened, with names and numbers, without secrets and without row values.
    Error(const ErrorKind& kind, std::string what) : kind_(&kind), what_(std::move(what)) {}

    [[nodiscard]] const ErrorKind& kind() const noexcept { return *kind_; }
    [[nodiscard]] const std::string& what() const noexcept { return what_; }
    [[nodiscard]] bool is(const ErrorKind& kind) const noexcept { return kind_->name == kind.name; }
    [[nodiscard]] bool transient() const noexcept {
        return kind_->error_class == ErrorClass::transient;
    }

    // The same error with `where` put before its text: "source plant: ...".
    [[nodiscard]] Error at(std::string_view where) const;

    // One line: "<name>: <what>. Safe: <safe> Next: <next>".
    [[nodiscard]] std::string message() const;

  private:
    const ErrorKind* kind_;
    std::string what_;
};

}  // namespace tributary
