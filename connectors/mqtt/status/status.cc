#include "connectors/mqtt/status/status.h"

#include <mqtt/async_client.h>

#include <chrono>
#include <utility>

namespace tributary::mqtt {
namespace {

// The connector's namespace has the library's name.
namespace paho = ::mqtt;

std::string url_of(const Address& address) {
    const bool v6 = address.host.find(':') != std::string::npos;
    return (address.tls ? "ssl://" : "tcp://") + (v6 ? "[" + address.host + "]" : address.host) +
           ":" + std::to_string(address.port);
}

paho::connect_options connect_options(const Options& options) {
    paho::connect_options out;
    const bool v5 = options.protocol == Protocol::v5;
    out.set_mqtt_version(v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
    if (v5) {
        out.set_clean_start(true);
    } else {
        out.set_clean_session(true);
    }
    out.set_keep_alive_interval(static_cast<int>(options.keepalive_s));
    out.set_automatic_reconnect(1, 60);
    out.set_will_message(paho::make_message(options.status.topic, options.status.offline, 1, true));
    if (!options.username.empty()) {
        out.set_user_name(options.username);
        out.set_password(options.password.reveal());
    }
    if (options.broker->tls) {
        paho::ssl_options ssl;
        if (!options.tls.ca.empty()) {
            ssl.set_trust_store(options.tls.ca);
        }
        if (!options.tls.cert.empty()) {
            ssl.set_key_store(options.tls.cert);
            ssl.set_private_key(options.tls.key);
        }
        ssl.set_enable_server_cert_auth(true);
        ssl.set_verify(true);
        out.set_ssl(ssl);
    }
    return out;
}

}  // namespace

class Status::Client {
  public:
    Client(const Options& options, Observer& observer)
        : options_(options.status),
          name_(options.name),
          observer_(observer),
          client_(url_of(*options.broker),
                  options.client_id + "-status",
                  paho::create_options(options.protocol == Protocol::v5 ? MQTTVERSION_5
                                                                        : MQTTVERSION_3_1_1),
                  nullptr) {
        // By Paho's thread, at every connection.
        client_.set_connected_handler([this](const std::string& /*cause*/) {
            try {
                client_.publish(paho::make_message(options_.topic, options_.online, 1, true));
            } catch (const paho::exception&) {
                // the next connection says it again
            }
        });
        try {
            client_.connect(connect_options(options));
        } catch (const paho::exception& error) {
            observer_.log(LogLevel::warn,
                          name_,
                          "the agent's status is not published",
                          {{"why", error.what()}});
        }
    }

    ~Client() {
        try {
            client_.set_connected_handler([](const std::string& /*cause*/) {});
            if (client_.is_connected()) {
                client_.publish(paho::make_message(options_.topic, options_.offline, 1, true))
                    ->wait_for(std::chrono::milliseconds(400));
                client_.disconnect()->wait_for(std::chrono::milliseconds(100));
            }
        } catch (const paho::exception&) {
            // the will says it
        }
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

  private:
    StatusOptions options_;
    std::string name_;
    Observer& observer_;
    paho::async_client client_;
};

Status::Status(const Options& options, Observer& observer)
    : client_(std::make_unique<Client>(options, observer)) {}

Status::~Status() = default;

}  // namespace tributary::mqtt
