// Status: tells the broker, retained, whether the agent runs; the broker itself tells it of an
// agent that died, by its will. A client of its own over Paho, apart from intake, so that it may
// fail without harm. Threads: the intake thread's, besides Paho's own.
#pragma once

#include <memory>
#include <string>

#include "connectors/mqtt/options.h"
#include "ports/observer.h"

namespace tributary::mqtt {

class Status {
  public:
    // Begins to connect and goes on by itself; nothing here blocks or fails for the caller.
    // `observer` must outlive this.
    Status(const Options& options, Observer& observer);
    ~Status();  // says goodbye, at most half a second

  private:
    class Client;
    std::unique_ptr<Client> client_;
};

}  // namespace tributary::mqtt
