// Words, names and strings of a statement's text, comments left out; what stands in /*! */ and
// /*M! */ counts. No grammar. Total over any bytes. Pure; any thread. MySQL 9 manual, "Language
// Structure".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tributary::mysql {

enum class TokenKind : std::uint8_t { end, word, quoted_name, string, hex_string, sign };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string text{};     // word: upper case; names and strings: without quotes
    std::string raw{};      // word: as written
    std::size_t begin = 0;  // in the text; of the executable comment that it is the first in
};

[[nodiscard]] bool is(const Token& token, std::string_view word);
[[nodiscard]] bool is_sign(const Token& token, char sign);
// Of a table or database; "t" is a name where the session has ANSI_QUOTES, and nothing else where a
// name must stand.
[[nodiscard]] bool is_name(const Token& token);
[[nodiscard]] std::string name_of(const Token& token);

class Lexer {
  public:
    // `text` outlives this.
    explicit Lexer(std::string_view text) : text_(text) {}

    Token next();
    // Behind the token before the last, and behind the executable comment that it stands in.
    [[nodiscard]] std::size_t end_before() const;

  private:
    Token read();
    // Where the last executable comment among them opens, if any.
    std::size_t skip_blanks();
    void skip_past(std::string_view end, std::size_t from);
    Token word();
    Token quoted(TokenKind kind, char quote);
    Token hex_string();

    std::string_view text_;
    std::size_t at_ = 0;
    bool in_comment_ = false;  // an executable one
    std::size_t end_before_ = 0;
    bool in_comment_before_ = false;
};

// "[database.]table" from `token` on; afterwards `token` is the one behind it. `database` stays as
// it is where the text has none. False: no such name.
[[nodiscard]] bool read_name(Lexer& lexer, Token& token, std::string& database, std::string& table);

}  // namespace tributary::mysql
