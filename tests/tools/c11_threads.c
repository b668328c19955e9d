/* The C11 threads of librdkafka, said in pthreads: g++ 12's ThreadSanitizer does not see thrd_create
 * and mtx_lock, and ends the process in the first thread made by them. Linked into every program of
 * a build with TRIBUTARY_SANITIZE=thread (cmake/TributaryOptions.cmake) and into no other. Its timed
 * waits are said so in every build (connectors/kafka/waits.cc). */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) >= sizeof(pthread_mutex_t), "a mutex fits where librdkafka keeps one");
_Static_assert(sizeof(cnd_t) >= sizeof(pthread_cond_t), "so does a condition variable");
_Static_assert(sizeof(once_flag) >= sizeof(pthread_once_t), "and a flag");
_Static_assert(sizeof(thrd_t) >= sizeof(pthread_t), "and a thread");

struct start {
    thrd_start_t function;
    void* argument;
};

static void* run(void* given) {
    const struct start start = *(struct start*)given;
    free(given);
    return (void*)(intptr_t)start.function(start.argument);
}

static int result_of(int error) {
    switch (error) {
        case 0:
            return thrd_success;
        case ENOMEM:
            return thrd_nomem;
        case ETIMEDOUT:
            return thrd_timedout;
        case EBUSY:
            return thrd_busy;
        default:
            return thrd_error;
    }
}

int thrd_create(thrd_t* thread, thrd_start_t function, void* argument) {
    struct start* const start = malloc(sizeof *start);
    if (start == NULL) {
        return thrd_nomem;
    }
    *start = (struct start){function, argument};
    const int error = pthread_create(thread, NULL, run, start);
    if (error != 0) {
        free(start);
    }
    return result_of(error);
}

int thrd_join(thrd_t thread, int* result) {
    void* returned = NULL;
    const int error = pthread_join(thread, &returned);
    if (error == 0 && result != NULL) {
        *result = (int)(intptr_t)returned;
    }
    return result_of(error);
}

int mtx_init(mtx_t* mutex, int type) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    if ((type & mtx_recursive) != 0) {
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    }
    const int error = pthread_mutex_init((pthread_mutex_t*)mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return result_of(error);
}

int mtx_lock(mtx_t* mutex) {
    return result_of(pthread_mutex_lock((pthread_mutex_t*)mutex));
}

int mtx_unlock(mtx_t* mutex) {
    return result_of(pthread_mutex_unlock((pthread_mutex_t*)mutex));
}

void mtx_destroy(mtx_t* mutex) {
    pthread_mutex_destroy((pthread_mutex_t*)mutex);
}

int cnd_init(cnd_t* condition) {
    return result_of(pthread_cond_init((pthread_cond_t*)condition, NULL));
}

int cnd_signal(cnd_t* condition) {
    return result_of(pthread_cond_signal((pthread_cond_t*)condition));
}

int cnd_broadcast(cnd_t* condition) {
    return result_of(pthread_cond_broadcast((pthread_cond_t*)condition));
}

int cnd_wait(cnd_t* condition, mtx_t* mutex) {
    return result_of(pthread_cond_wait((pthread_cond_t*)condition, (pthread_mutex_t*)mutex));
}

void cnd_destroy(cnd_t* condition) {
    pthread_cond_destroy((pthread_cond_t*)condition);
}

void call_once(once_flag* flag, void (*function)(void)) {
    pthread_once((pthread_once_t*)flag, function);
}
