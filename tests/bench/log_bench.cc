// log_bench <directory> [million entries] [trim]: entries per second and CPU per entry through
// BlockWriter and RocksLog::append, one group commit per MiB, 171-byte entries of the entropy of a
// row of text. With `trim` everything is trimmed after each commit, as with the uplink up. One
// thread of ours; RocksDB's are counted in the process's CPU.
#include <sys/resource.h>
#include <ctime>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "format/block.h"
#include "log/rocks_log.h"

namespace {

using namespace std::chrono;  // NOLINT: a program of one file
using tributary::BlockPtr;

double cpu_seconds(clockid_t clock) {
    timespec time{};
    ::clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Field `name` of a file of /proc, 0 when it is not there.
std::uint64_t proc_value(const char* file, const std::string& name) {
    std::ifstream in(file);
    std::string word;
    while (in >> word) {
        std::uint64_t value = 0;
        if (word == name && in >> value) {
            return value;
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: log_bench <directory> [million entries] [trim]\n");
        return 2;
    }
    const std::uint64_t entries = (argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1) * 1'000'000;
    const bool trim = argc > 3;
    tributary::LogOptions options;
    options.directory = std::string(argv[1]) + "/log";
    auto opened = tributary::RocksLog::open(options, nullptr);
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message().c_str());
        return 1;
    }
    auto& log = *opened.value();
    const auto stream = log.create_stream("bench", {tributary::Sequence(1), {}, {}}).value().id;

    tributary::format::BlockWriter writer;
    std::vector<BlockPtr> group;
    std::size_t group_bytes = 0;
    std::uint64_t sequence = 1;
    std::uint64_t commits = 0;
    double build_cpu = 0;
    double append_cpu = 0;
    const auto began = steady_clock::now();
    const double process_began = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    while (sequence <= entries) {
        const double build_began = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
        while (group_bytes < (1U << 20U) && sequence <= entries) {
            writer.begin(stream, tributary::Sequence(sequence));
            while (writer.size() < tributary::format::kBlockBytesMax - 200 && sequence <= entries) {
                if (sequence % 100 == 1) {
                    writer.context("0123456789abcdefghijklmn", 1'700'000'000'000'000);
                }
                char row[400];
                std::snprintf(row,
                              sizeof(row),
                              "%-12llu|%-20llx|%-40llu|customer %llu of the plant in hall %llu"
                              "|2026-11-21 04:%02llu:%02llu.123456|pending|%-40llx",
                              static_cast<unsigned long long>(sequence),
                              static_cast<unsigned long long>(sequence * 0x9E3779B97F4A7C15ULL),
                              static_cast<unsigned long long>(sequence * 2654435761U),
                              static_cast<unsigned long long>(sequence % 9973),
                              static_cast<unsigned long long>(sequence % 17),
                              static_cast<unsigned long long>(sequence / 60 % 60),
                              static_cast<unsigned long long>(sequence % 60),
                              static_cast<unsigned long long>(sequence * 0xC2B2AE3D27D4EB4FULL));
                writer.append(tributary::EntryKind::change,
                              tributary::SchemaId(1),
                              static_cast<std::uint32_t>(sequence % 100),
                              {row, 171});
                ++sequence;
            }
            group_bytes += writer.size();
            group.push_back(writer.finish({"resume"}, {"done"}));
        }
        const double append_began = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
        build_cpu += append_began - build_began;
        if (const auto appended = log.append(group); !appended) {
            std::fprintf(stderr, "%s\n", appended.error().message().c_str());
            return 1;
        }
        if (trim && !log.trim(stream, group.back()->last)) {
            return 1;
        }
        append_cpu += cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - append_began;
        ++commits;
        group.clear();
        group_bytes = 0;
    }
    const double seconds = duration<double>(steady_clock::now() - began).count();
    const double process = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_began;
    const auto count = static_cast<double>(entries);
    std::printf("entries %.0f  wall %.2f s  %.0f entries/s  commits %llu\n",
                count,
                seconds,
                count / seconds,
                static_cast<unsigned long long>(commits));
    std::printf("us per entry: build (with the row's text) %.3f  append %.3f  background %.3f\n",
                build_cpu / count * 1e6,
                append_cpu / count * 1e6,
                (process - build_cpu - append_cpu) / count * 1e6);
    std::printf("written per byte in %.2f  peak RSS %llu KiB  RssAnon %llu KiB  log %llu bytes\n",
                static_cast<double>(proc_value("/proc/self/io", "write_bytes:")) / (count * 171),
                static_cast<unsigned long long>(proc_value("/proc/self/status", "VmHWM:")),
                static_cast<unsigned long long>(proc_value("/proc/self/status", "RssAnon:")),
                static_cast<unsigned long long>(log.usage().value().bytes));
    return 0;
}
