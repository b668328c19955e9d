// What tests of a log need: a directory that goes away, blocks to append, and a way to close and
// open. One thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "log/log_options.h"
#include "model/entry.h"

namespace tributary::testing {

// A fresh directory, removed with everything in it.
class ScratchDirectory {
  public:
    ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory();
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

// Small bounds, no ballast, log directory inside `parent`.
[[nodiscard]] LogOptions small_log(const std::filesystem::path& parent);

// `count` message entries from `first` on; payloads are `text` and the sequence; positions
// "r<last>" and "d<last>".
[[nodiscard]] BlockPtr make_block(StreamId stream,
                                  std::uint64_t first,
                                  std::uint64_t count,
                                  std::string_view text = "event ");

// A schema of one column named `column`.
[[nodiscard]] std::shared_ptr<const TableSchema> make_schema(std::string_view column);

// Bytes that do not compress, the same for the same seed.
[[nodiscard]] std::string noise(std::size_t count, std::uint32_t seed);

}  // namespace tributary::testing
