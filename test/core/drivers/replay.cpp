// Runs a fuzz target without libFuzzer: over its corpus, then over pseudo-random mutations of it.
//   replay <name> <corpus directory> <mutations>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "../check.hpp"
#include "../fuzz.hpp"

namespace {

using Input = std::vector<std::uint8_t>;

std::vector<Input> read_corpus(const char* directory) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<Input> corpus;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return corpus;
}

class Mutator {
  public:
    explicit Mutator(std::vector<Input> corpus) : corpus_(std::move(corpus)) {}

    Input next() {
        Input input = corpus_[below(corpus_.size())];
        for (std::size_t changes = 1 + below(4); changes > 0; --changes)
            change(&input);
        return input;
    }

  private:
    // The engine's numbers are the same everywhere; those of the standard distributions are not.
    std::size_t below(std::size_t bound) { return engine_() % bound; }

    // Half of the places are in the header or just behind it.
    std::size_t place_in(const Input& input) {
        return below(below(2) ? input.size() : std::min<std::size_t>(input.size(), 16));
    }

    void change(Input* input) {
        static constexpr std::uint8_t kTelling[] = {0, 1, 2, 0x10, 0x30, 0x3a, 0x3b, 127, 128, 254, 255, '[', ')', ','};
        const std::size_t kind = input->empty() ? 5 : below(7);
        const std::size_t place = input->empty() ? 0 : place_in(*input);
        const auto at = input->begin() + static_cast<std::ptrdiff_t>(place);
        switch (kind) {
        case 0:
            *at = static_cast<std::uint8_t>(*at ^ 1 << below(8));
            break;
        case 1:
            *at = static_cast<std::uint8_t>(below(256));
            break;
        case 2:
            *at = kTelling[below(sizeof(kTelling))];
            break;
        case 3:
            input->erase(at, at + static_cast<std::ptrdiff_t>(1 + below(input->size() - place)));
            break;
        case 4:
            *at = static_cast<std::uint8_t>(*at + (below(2) ? 1 : -1));
            break;
        case 5:
            input->insert(at, 1 + below(4), static_cast<std::uint8_t>(below(256)));
            break;
        default: {
            const Input& other = corpus_[below(corpus_.size())];
            const std::size_t end = below(other.size() + 1);
            const std::size_t begin = below(end + 1);
            const Input part(other.begin() + static_cast<std::ptrdiff_t>(begin),
                             other.begin() + static_cast<std::ptrdiff_t>(end));
            input->insert(at, part.begin(), part.end());
        }
        }
    }

    std::vector<Input> corpus_;
    std::mt19937 engine_;
};

void check_input(const Input& input) {
    const char* wrong = examine(input.data(), input.size());
    if (wrong == nullptr)
        return;
    std::printf("# %s:", wrong);
    for (const std::uint8_t byte : input)
        std::printf(" %02x", byte);
    std::printf("\n");
    CHECK(wrong == nullptr);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: %s <name> <corpus directory> <mutations>\n", argv[0]);
        return 2;
    }
    const std::string name = argv[1];
    const std::vector<Input> corpus = read_corpus(argv[2]);
    test::run((name + ": corpus").c_str(), [&] {
        CHECK(!corpus.empty());
        for (const Input& input : corpus)
            check_input(input);
    });
    test::run((name + ": " + argv[3] + " mutations of it").c_str(), [&] {
        Mutator mutator(corpus);
        for (long left = std::strtol(argv[3], nullptr, 10); left > 0; --left)
            check_input(mutator.next());
    });
    return test::exit_status();
}
