// Runs a libFuzzer entry point once over every file of the folders given: the kept corpus as a
// plain test in builds without the fuzzer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    int files = 0;
    for (int index = 1; index < argc; ++index) {
        for (const auto& file : std::filesystem::recursive_directory_iterator(argv[index])) {
            if (!file.is_regular_file()) {
                continue;
            }
            std::ifstream in(file.path(), std::ios::binary);
            const std::string bytes((std::istreambuf_iterator<char>(in)),
                                    std::istreambuf_iterator<char>());
            // libFuzzer's interface is in unsigned bytes.
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size());
            ++files;
        }
    }
    std::printf("%d corpus files\n", files);
    return files > 0 ? 0 : 1;
}
