// std::shared_mutex with one difference: a writer that waits goes before readers that come later. With glibc's default,
// readers that overlap without a pause keep a writer waiting for good.
#pragma once

#include <pthread.h>

namespace availability::reader {

class SharedLock {
  public:
    SharedLock() {
        pthread_rwlockattr_t attributes;
        pthread_rwlockattr_init(&attributes);
#ifdef __GLIBC__
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
        pthread_rwlock_init(&lock_, &attributes);
        pthread_rwlockattr_destroy(&attributes);
    }
    ~SharedLock() {
        pthread_rwlock_destroy(&lock_);
    }
    SharedLock(const SharedLock&) = delete;
    SharedLock& operator=(const SharedLock&) = delete;

    void lock() {
        pthread_rwlock_wrlock(&lock_);
    }
    void unlock() {
        pthread_rwlock_unlock(&lock_);
    }
    // A thread that has it shared must not take it again.
    void lock_shared() {
        pthread_rwlock_rdlock(&lock_);
    }
    void unlock_shared() {
        pthread_rwlock_unlock(&lock_);
    }

  private:
    pthread_rwlock_t lock_;
};

} // namespace availability::reader
