// What a part of a benchmark cost this process: a clock of the wall and one of the processor.
// One thread.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <cstdio>

namespace tributary::bench {

class Cost {
  public:
    // One line: "records bytes seconds CPU-seconds", both since this object was made.
    void print(std::uint64_t records, std::uint64_t bytes) const {
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - from_;
        std::printf("%llu %llu %.3f %.2f\n",
                    static_cast<unsigned long long>(records),
                    static_cast<unsigned long long>(bytes),
                    took.count(),
                    cpu_seconds() - cpu_);
    }

  private:
    static double cpu_seconds() {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
        };
        return seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }

    std::chrono::steady_clock::time_point from_ = std::chrono::steady_clock::now();
    double cpu_ = cpu_seconds();
};

}  // namespace tributary::bench
