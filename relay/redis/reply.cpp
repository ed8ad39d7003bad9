#include "relay/redis/reply.hpp"

#include <hiredis/read.h>

namespace availability::relay::redis {

namespace {

// hiredis frees what it has of an answer when it breaks off; it is ours.
void keep(void*) {}

// Of RESP3, which nobody has asked for: whoever speaks it is no Redis of ours. Without these hiredis, which has them
// since 1.0, would give numbers for pointers.
template <typename Functions>
auto refuse_others(Functions* functions, int) -> decltype(functions->createBool, void()) {
    functions->createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* { return nullptr; };
    functions->createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
}
template <typename Functions>
void refuse_others(Functions*, long) {}

} // namespace

void ReplyReader::Free::operator()(redisReader* reader) const {
    redisReaderFree(reader);
}

ReplyReader::ReplyReader() {
    static redisReplyObjectFunctions functions{};
    functions.createString = create_text;
    functions.createArray = create_array;
    functions.createInteger = create_integer;
    functions.createNil = create_nil;
    functions.freeObject = keep;
    refuse_others(&functions, 0);
    reader_.reset(redisReaderCreateWithFunctions(&functions));
    if (reader_ == nullptr)
        problem_ = "out of memory";
    else
        reader_->privdata = this;
}

ReplyReader::~ReplyReader() = default;

// Where the value of a task goes: the root, or the end of the array that it is in, which grows only while none of its
// elements is being read. Null, which hiredis takes for a lack of memory, if there are too many.
Reply* ReplyReader::place_of(const redisReadTask* task) {
    auto* self = static_cast<ReplyReader*>(task->privdata);
    if (++self->elements_ > kMaxElements)
        return nullptr;
    if (task->parent == nullptr)
        return &self->root_;
    auto* parent = static_cast<Reply*>(task->parent->obj);
    return &parent->elements.emplace_back();
}

void* ReplyReader::create_text(const redisReadTask* task, char* text, std::size_t size) {
    Reply* reply = place_of(task);
    if (reply == nullptr)
        return nullptr;
    reply->type = task->type == REDIS_REPLY_ERROR    ? Reply::Type::kError
                  : task->type == REDIS_REPLY_STATUS ? Reply::Type::kStatus
                                                     : Reply::Type::kString;
    reply->text.assign(text, size);
    return reply;
}

// Memory is taken as elements come, not as many are announced; and no deeper than answers go, since hiredis has no
// bound of its own since 1.0.
void* ReplyReader::create_array(const redisReadTask* task, int) {
    int depth = 0;
    for (const redisReadTask* outer = task->parent; outer != nullptr; outer = outer->parent)
        if (++depth > kMaxDepth)
            return nullptr;
    Reply* reply = place_of(task);
    if (reply != nullptr)
        reply->type = Reply::Type::kArray;
    return reply;
}

void* ReplyReader::create_array(const redisReadTask* task, std::size_t) {
    return create_array(task, 0);
}

void* ReplyReader::create_integer(const redisReadTask* task, long long value) {
    Reply* reply = place_of(task);
    if (reply == nullptr)
        return nullptr;
    reply->type = Reply::Type::kInteger;
    reply->integer = value;
    return reply;
}

void* ReplyReader::create_nil(const redisReadTask* task) {
    return place_of(task);
}

void ReplyReader::feed(const char* bytes, std::size_t size) {
    if (problem_.empty() && redisReaderFeed(reader_.get(), bytes, size) != REDIS_OK)
        problem_ = reader_->errstr;
}

const Reply* ReplyReader::next() {
    if (!problem_.empty())
        return nullptr;
    // Between two calls an answer may be half read: what there is of it stays.
    if (reader_->ridx == -1) {
        root_.type = Reply::Type::kNil;
        root_.integer = 0;
        root_.text.clear();
        root_.elements.clear();
        elements_ = 0;
    }
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
        problem_ = reader_->errstr;
        return nullptr;
    }
    if (reply == nullptr && reader_->len - reader_->pos > kMaxBytes)
        problem_ = "an answer is too large";
    return static_cast<const Reply*>(reply);
}

} // namespace availability::relay::redis
