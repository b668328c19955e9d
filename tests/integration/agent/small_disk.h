// A disk that is full when a test wants it.
#pragma once

#include <gtest/gtest.h>

#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace tributary::agent_testing {

// A file system of its own for the state directory, full whenever a test wants it. Needs root.
class SmallDisk {
  public:
    explicit SmallDisk(std::filesystem::path place) : place_(std::move(place)) {
        std::filesystem::create_directory(place_);
        EXPECT_EQ(::mount("tmpfs", place_.c_str(), "tmpfs", 0, "size=160m"), 0)
            << "this test mounts a file system: run it as root";
    }
    ~SmallDisk() { ::umount2(place_.c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    void fill() const {
        std::ofstream out(place_ / "filler", std::ios::binary | std::ios::app);
        const std::string chunk(4096, 'x');
        while (out.write(chunk.data(), static_cast<std::streamsize>(chunk.size())).flush()) {
        }
    }
    void free() const { std::filesystem::remove(place_ / "filler"); }

  private:
    std::filesystem::path place_;
};

}  // namespace tributary::agent_testing
