// TopicAliases: the topics that a sender has given numbers to on this connection (MQTT 5.0
// 3.3.2.3.4). Memory: at most `maximum` topics. Pure; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "connectors/mqtt/codec/packets.h"

namespace tributary::mqtt {

class TopicAliases {
  public:
    // What we allowed in CONNECT or CONNACK; 0: none.
    explicit TopicAliases(std::uint16_t maximum) : maximum_(maximum) {}

    // Puts the topic where only an alias was sent, and remembers a new one. The view is valid until
    // begin_step(). false: the alias is above the maximum or unknown; the topic is left alone.
    [[nodiscard]] bool resolve(Publish& publish);
    // Topics that were replaced may go now.
    void begin_step() { replaced_.clear(); }
    // A new connection knows none.
    void clear();

  private:
    std::uint16_t maximum_;
    // Each string stays where it is as long as a view of it may be in use.
    std::vector<std::unique_ptr<const std::string>> topics_;  // alias n at n - 1; null: not set
    std::vector<std::unique_ptr<const std::string>> replaced_;
};

}  // namespace tributary::mqtt
