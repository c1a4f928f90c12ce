/* A disk that fails: preloaded into a process, it makes the n-th call on some files fail.

   faults_arm(prefix, kinds, at, times, how, error) says which: files whose path begins with `prefix`, calls of
   the kinds whose bits are set, from the `at`-th on, `times` of them. faults_counted() is how many there were.

   How they fail:
     FAIL   the call does nothing and gives `error`
     SHORT  a write writes half of it; the next write gives `error`
     CRASH  the process ends before the call
     TORN   the process ends when half of a write is written
     CUT    the power goes before the call: see below

   What a power cut leaves is kept for each file in a second one, FILE.disk: all that was written before the
   last fsync that did not fail. A write that a failed fsync was to bring to disk is forgotten, as Linux does it:
   the next fsync does not try it again. faults_cut() puts these files in the place of the real ones. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, OPEN = 4, READ = 8, CHANGE = 16 };
enum { FAIL, SHORT, CRASH, TORN, CUT };
enum { MOST_FILES = 8, MOST_RANGES = 4096 };

typedef struct { off_t from, upto; } range;
typedef struct { char path[4096]; range ranges[MOST_RANGES]; int count; } kept;

static pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char prefix[4096];
static int kinds, how, error, files, half_written;
static long at, times, counted;
static mode_t widest; /* who may read the files that were made, by the mode they were made with */
static kept known[MOST_FILES];

#define REAL(name) ((__typeof__(&name)) real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int is_ours(const char *path) { return *prefix && !strncmp(path, prefix, strlen(prefix)); }

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, 4095);
    if (length < 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

/* What is on disk */

static int is_durable(const char *path) { /* the index and the lock mean nothing after a power cut */
    size_t length = strlen(path);
    return length > 3 && (!strcmp(path + length - 3, ".db") || !strcmp(path + length - 4, "-wal"));
}

static kept *file_of(const char *path) {
    if (!is_durable(path)) return NULL;
    for (int each = 0; each < files; each++)
        if (!strcmp(known[each].path, path)) return &known[each];
    if (files == MOST_FILES) abort();
    strcpy(known[files].path, path);
    return &known[files++];
}

static void disk_of(const char *path, char *disk) { snprintf(disk, 4200, "%.4095s.disk", path); }

static void copy(int from, int to, off_t start, off_t upto) {
    char bytes[65536];
    while (start < upto) {
        size_t wanted = upto - start < (off_t) sizeof bytes ? (size_t) (upto - start) : sizeof bytes;
        ssize_t got = REAL(pread)(from, bytes, wanted, start);
        if (got <= 0) return;
        if (REAL(pwrite)(to, bytes, got, start) != got) abort();
        start += got;
    }
}

static void was_written(const char *path, off_t from, off_t upto) {
    kept *file = file_of(path);
    if (!file || upto <= from) return;
    if (file->count == MOST_RANGES) abort();
    file->ranges[file->count++] = (range) {from, upto};
}

static void was_synced(const char *path, int fd, int well) {
    kept *file = file_of(path);
    if (!file) return;
    if (well) {
        char disk[4200];
        struct stat status;
        disk_of(path, disk);
        int to = REAL(open)(disk, O_RDWR | O_CREAT, 0600);
        for (int each = 0; each < file->count; each++)
            copy(fd, to, file->ranges[each].from, file->ranges[each].upto);
        fstat(fd, &status);
        if (REAL(ftruncate)(to, status.st_size)) abort();
        close(to);
    }
    file->count = 0;
}

void faults_cut(void) {
    for (int each = 0; each < files; each++) {
        char disk[4200];
        struct stat status;
        disk_of(known[each].path, disk);
        if (stat(known[each].path, &status)) continue; /* it was deleted */
        int from = REAL(open)(disk, O_RDONLY), to = REAL(open)(known[each].path, O_WRONLY | O_TRUNC);
        if (from < 0) continue; /* it is there and empty */
        fstat(from, &status);
        copy(from, to, 0, status.st_size);
    }
    _exit(137);
}

/* Which call fails */

void faults_arm(const char *ours, int of, long from, long many, int in, int with) {
    strncpy(prefix, ours, sizeof prefix - 1);
    kinds = of, at = from, times = many, how = in, error = with;
    counted = 0, half_written = 0, files = 0;
}

long faults_counted(void) { return counted; }

int faults_widest(void) { return widest; }

/* Whether this call is to fail. Ends the process if that is how. */
static int fails(int kind) {
    if (!(kind & kinds)) return 0;
    if (half_written) return half_written = 0, errno = error, 1;
    counted++;
    if (counted < at || counted >= at + times) return 0;
    if (how == CRASH) _exit(137);
    if (how == CUT) faults_cut();
    errno = error;
    return 1;
}

static ssize_t written(const char *path, int fd, const void *bytes, size_t length, off_t start) {
    size_t some = length;
    if (fails(WRITE)) {
        if (how == FAIL || errno == 0 || length < 2) return -1;
        some = length / 2;
        half_written = how == SHORT;
    }
    ssize_t done = REAL(pwrite)(fd, bytes, some, start);
    if (some < length && how == TORN) _exit(137);
    if (done > 0) was_written(path, start, start + done);
    return done;
}

#define LOCKED(what)                  \
    pthread_mutex_lock(&mutex);       \
    __typeof__(what) result = (what); \
    int fault = errno;                \
    pthread_mutex_unlock(&mutex);     \
    errno = fault;                    \
    return result;

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t start) {
    char path[4096];
    if (!path_of(fd, path)) return REAL(pwrite)(fd, bytes, length, start);
    LOCKED(written(path, fd, bytes, length, start))
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t start) {
    return pwrite(fd, bytes, length, start);
}

static ssize_t written_behind(const char *path, int fd, const void *bytes, size_t length) {
    off_t place = lseek(fd, 0, SEEK_CUR);
    ssize_t done = written(path, fd, bytes, length, place);
    if (done > 0) lseek(fd, place + done, SEEK_SET);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[4096];
    if (!path_of(fd, path)) return REAL(write)(fd, bytes, length);
    LOCKED(written_behind(path, fd, bytes, length))
}

static int synced(const char *path, int fd, int (*sync)(int)) {
    int well = !fails(SYNC);
    was_synced(path, fd, well);
    return well ? sync(fd) : -1;
}

int fsync(int fd) {
    char path[4096];
    if (!path_of(fd, path)) return REAL(fsync)(fd);
    LOCKED(synced(path, fd, REAL(fsync)))
}

int fdatasync(int fd) {
    char path[4096];
    if (!path_of(fd, path)) return REAL(fdatasync)(fd);
    LOCKED(synced(path, fd, REAL(fdatasync)))
}

ssize_t pread(int fd, void *bytes, size_t length, off_t start) {
    char path[4096];
    if (!(kinds & READ) || !path_of(fd, path)) return REAL(pread)(fd, bytes, length, start);
    LOCKED(fails(READ) ? -1 : REAL(pread)(fd, bytes, length, start))
}

ssize_t pread64(int fd, void *bytes, size_t length, off_t start) { return pread(fd, bytes, length, start); }

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if (!is_ours(path)) return REAL(open)(path, flags, mode);
    if (flags & O_CREAT && access(path, F_OK)) widest |= mode;
    LOCKED(fails(OPEN) ? -1 : REAL(open)(path, flags, mode))
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return open(path, flags, mode);
}

int ftruncate(int fd, off_t length) {
    char path[4096];
    if (!path_of(fd, path)) return REAL(ftruncate)(fd, length);
    LOCKED(fails(CHANGE) ? -1 : REAL(ftruncate)(fd, length))
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

static int unlinked(const char *path) {
    char disk[4200];
    if (fails(CHANGE)) return -1;
    disk_of(path, disk);
    REAL(unlink)(disk);
    for (int each = 0; each < files; each++)
        if (!strcmp(known[each].path, path)) known[each].count = 0;
    return REAL(unlink)(path);
}

int unlink(const char *path) {
    if (!is_ours(path)) return REAL(unlink)(path);
    LOCKED(unlinked(path))
}
