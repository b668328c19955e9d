// Strong<T, Tag>: a number with a meaning. Construction is explicit and two meanings never mix.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace tributary {

template <typename T, typename Tag>
class Strong {
  public:
    constexpr Strong() = default;
    constexpr explicit Strong(T value) : value_(value) {}
    [[nodiscard]] constexpr T value() const { return value_; }
    friend constexpr auto operator<=>(const Strong&, const Strong&) = default;

  private:
    T value_{};
};

}  // namespace tributary

template <typename T, typename Tag>
struct std::hash<tributary::Strong<T, Tag>> {
    std::size_t operator()(const tributary::Strong<T, Tag>& strong) const noexcept {
        return std::hash<T>{}(strong.value());
    }
};
