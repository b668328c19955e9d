// ViewChanges: what the stream says about the rows of a view of a whole table between the view and
// the place in the stream where its rows are appended. Rows that were there and are not any more
// are left out when the view is read, one for one, because equal rows are the same; rows that came
// are added behind. Rows are opaque bytes; a name is what the stream and the view call a row alike.
// Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tributary::core::snapshot {

class ViewChanges {
  public:
    void add(std::string_view name, std::string row);
    void drop(std::string_view name);
    void drop_all();

    // Whether the next row of the view that has this name is to be left out.
    [[nodiscard]] bool leaves_out(const std::string& name);
    // When the view is at its end: it had every row that was dropped.
    [[nodiscard]] bool settled() const noexcept { return gone_.empty(); }
    [[nodiscard]] const std::multimap<std::string, std::string>& added() const { return added_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    std::multimap<std::string, std::string> added_;  // by name
    std::unordered_map<std::string, std::uint64_t> gone_;
    bool all_gone_ = false;  // every row of the view
    std::size_t bytes_ = 0;
};

}  // namespace tributary::core::snapshot
