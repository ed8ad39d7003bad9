// Answers of Redis (RESP2), read from bytes of which nothing is believed: hiredis's reader, into values of our own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;
struct redisReadTask;

namespace availability::relay::redis {

struct Reply {
    enum class Type : std::uint8_t { kNil, kInteger, kStatus, kString, kError, kArray };

    Type type = Type::kNil;
    std::int64_t integer = 0;
    std::string text; // kStatus, kString, kError
    std::vector<Reply> elements;

    bool is_error() const { return type == Type::kError; }
    bool is_integer(std::int64_t value) const { return type == Type::kInteger && integer == value; }
};

// Takes bytes as they come and gives answers as they are whole. Once broken it stays so: the connection is of no more
// use.
class ReplyReader {
  public:
    // Bounds for what a hostile or mistaken server can make us hold.
    static constexpr std::size_t kMaxBytes = 16 << 20;
    static constexpr std::size_t kMaxElements = 1 << 20;
    static constexpr int kMaxDepth = 8;

    ReplyReader();
    ~ReplyReader();
    ReplyReader(const ReplyReader&) = delete;
    ReplyReader& operator=(const ReplyReader&) = delete;

    void feed(const char* bytes, std::size_t size);
    // The next whole answer, valid until the next call; nullptr if there is none yet, or never will be.
    const Reply* next();
    // Empty while all is well, else what is wrong with the bytes.
    const std::string& problem() const { return problem_; }

  private:
    static void* create_text(const redisReadTask* task, char* text, std::size_t size);
    // hiredis counts elements by int, and since 1.0 by size_t.
    static void* create_array(const redisReadTask* task, int size);
    static void* create_array(const redisReadTask* task, std::size_t size);
    static void* create_integer(const redisReadTask* task, long long value);
    static void* create_nil(const redisReadTask* task);
    static Reply* place_of(const redisReadTask* task);

    struct Free {
        void operator()(redisReader* reader) const;
    };
    std::unique_ptr<redisReader, Free> reader_;
    Reply root_;
    std::size_t elements_ = 0;
    std::string problem_;
};

} // namespace availability::relay::redis
