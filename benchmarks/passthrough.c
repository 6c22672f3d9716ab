/* What FUSE itself costs: a folder shown again by the least program that does it, for the benchmark
 * of the mount.
 *
 * The low-level interface of libfuse 3, one thread, and what the kernel may remember as generously
 * as the drive has it: names (also those that are not there) and attributes for a day, pages for as
 * long as it likes, writes gathered (writeback cache), attributes with every listed name
 * (readdirplus). Each inode is an O_PATH descriptor of the file below, found again by device and
 * inode number.
 *
 * Usage: passthrough SOURCE MOUNTPOINT      (stays in the foreground; ends when it is unmounted, or
 * by SIGTERM)
 */
#define _GNU_SOURCE
#define FUSE_USE_VERSION 34
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define A_DAY 86400.0
#define BUCKETS (1 << 18)

struct node {
    struct node *next;
    int fd;
    ino_t ino;
    dev_t dev;
    uint64_t lookups;
};

struct folder {
    DIR *dir;
    struct dirent *waiting; /* read and not told yet */
    off_t offset;
};

static struct node root;
static struct node *buckets[BUCKETS];

static struct node *node_of(fuse_ino_t ino) {
    return ino == FUSE_ROOT_ID ? &root : (struct node *)(uintptr_t)ino;
}
static int fd_of(fuse_ino_t ino) { return node_of(ino)->fd; }

static struct node **bucket_of(ino_t ino, dev_t dev) {
    return &buckets[(ino * 2654435761u ^ dev) % BUCKETS];
}

static void path_of(char *path, fuse_ino_t ino) { sprintf(path, "/proc/self/fd/%d", fd_of(ino)); }

/* Fills in the entry and counts the look-up; an errno, or 0. */
static int find(fuse_ino_t parent, const char *name, struct fuse_entry_param *entry) {
    memset(entry, 0, sizeof *entry);
    entry->attr_timeout = entry->entry_timeout = A_DAY;
    int fd = openat(fd_of(parent), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return errno;
    if (fstatat(fd, "", &entry->attr, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0) {
        int error = errno;
        close(fd);
        return error;
    }
    struct node **bucket = bucket_of(entry->attr.st_ino, entry->attr.st_dev), *node = *bucket;
    while (node && (node->ino != entry->attr.st_ino || node->dev != entry->attr.st_dev))
        node = node->next;
    if (node) {
        close(fd);
    } else {
        node = calloc(1, sizeof *node);
        if (!node) {
            close(fd);
            return ENOMEM;
        }
        *node = (struct node){*bucket, fd, entry->attr.st_ino, entry->attr.st_dev, 0};
        *bucket = node;
    }
    node->lookups++;
    entry->ino = (uintptr_t)node;
    return 0;
}

static void forget_one(fuse_ino_t ino, uint64_t count) {
    struct node *node = node_of(ino);
    if (node == &root || (node->lookups -= count) > 0) return;
    struct node **place = bucket_of(node->ino, node->dev);
    while (*place != node) place = &(*place)->next;
    *place = node->next;
    close(node->fd);
    free(node);
}

static void reply_status(fuse_req_t req, int result) {
    fuse_reply_err(req, result < 0 ? errno : 0);
}

static void reply_found(fuse_req_t req, fuse_ino_t parent, const char *name) {
    struct fuse_entry_param entry;
    int error = find(parent, name, &entry);
    if (error)
        fuse_reply_err(req, error);
    else
        fuse_reply_entry(req, &entry);
}

static void init(void *data, struct fuse_conn_info *conn) {
    (void)data;
    conn->want |= conn->capable & FUSE_CAP_WRITEBACK_CACHE;
    conn->want &= ~FUSE_CAP_READDIRPLUS_AUTO;
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name) {
    struct fuse_entry_param entry;
    int error = find(parent, name, &entry);
    if (error == ENOENT) { /* inode 0: there is no such name, and that may be remembered */
        entry.ino = 0;
        error = 0;
    }
    if (error)
        fuse_reply_err(req, error);
    else
        fuse_reply_entry(req, &entry);
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t count) {
    forget_one(ino, count);
    fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *all) {
    for (size_t i = 0; i < count; i++) forget_one(all[i].ino, all[i].nlookup);
    fuse_reply_none(req);
}

static void reply_attr(fuse_req_t req, fuse_ino_t ino) {
    struct stat found;
    if (fstatat(fd_of(ino), "", &found, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_attr(req, &found, A_DAY);
}

static void get_attr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
    (void)info;
    reply_attr(req, ino);
}

static void set_attr(fuse_req_t req, fuse_ino_t ino, struct stat *to, int which,
                     struct fuse_file_info *info) {
    char path[64];
    path_of(path, ino);
    int failed = 0;
    if (which & FUSE_SET_ATTR_MODE) failed |= chmod(path, to->st_mode);
    if (which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
        uid_t uid = which & FUSE_SET_ATTR_UID ? to->st_uid : (uid_t)-1;
        gid_t gid = which & FUSE_SET_ATTR_GID ? to->st_gid : (gid_t)-1;
        failed |= fchownat(fd_of(ino), "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW);
    }
    if (which & FUSE_SET_ATTR_SIZE)
        failed |= info ? ftruncate((int)info->fh, to->st_size) : truncate(path, to->st_size);
    if (which & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME)) {
        struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
        if (which & FUSE_SET_ATTR_ATIME_NOW)
            times[0].tv_nsec = UTIME_NOW;
        else if (which & FUSE_SET_ATTR_ATIME)
            times[0] = to->st_atim;
        if (which & FUSE_SET_ATTR_MTIME_NOW)
            times[1].tv_nsec = UTIME_NOW;
        else if (which & FUSE_SET_ATTR_MTIME)
            times[1] = to->st_mtim;
        failed |= info ? futimens((int)info->fh, times) : utimensat(AT_FDCWD, path, times, 0);
    }
    if (failed)
        fuse_reply_err(req, errno);
    else
        reply_attr(req, ino);
}

static void make_dir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode) {
    if (mkdirat(fd_of(parent), name, mode) < 0)
        fuse_reply_err(req, errno);
    else
        reply_found(req, parent, name);
}

static void make_link(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name) {
    if (symlinkat(target, fd_of(parent), name) < 0)
        fuse_reply_err(req, errno);
    else
        reply_found(req, parent, name);
}

static void read_link(fuse_req_t req, fuse_ino_t ino) {
    char target[PATH_MAX + 1];
    ssize_t length = readlinkat(fd_of(ino), "", target, PATH_MAX);
    if (length < 0) {
        fuse_reply_err(req, errno);
        return;
    }
    target[length] = '\0';
    fuse_reply_readlink(req, target);
}

static void unlink_one(fuse_req_t req, fuse_ino_t parent, const char *name) {
    reply_status(req, unlinkat(fd_of(parent), name, 0));
}

static void remove_dir(fuse_req_t req, fuse_ino_t parent, const char *name) {
    reply_status(req, unlinkat(fd_of(parent), name, AT_REMOVEDIR));
}

static void rename_one(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to,
                       const char *new_name, unsigned flags) {
    reply_status(req, renameat2(fd_of(parent), name, fd_of(to), new_name, flags));
}

/* Under the writeback cache the kernel reads pages of files that were opened for writing only, and
 * knows the end. */
static int flags_below(int flags) {
    if ((flags & O_ACCMODE) == O_WRONLY) flags = (flags & ~O_ACCMODE) | O_RDWR;
    return (flags & ~(O_APPEND | O_NOFOLLOW)) | O_CLOEXEC;
}

static void create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                   struct fuse_file_info *info) {
    struct fuse_entry_param entry;
    int fd = openat(fd_of(parent), name, flags_below(info->flags) | O_CREAT, mode);
    if (fd < 0) {
        fuse_reply_err(req, errno);
        return;
    }
    int error = find(parent, name, &entry);
    if (error) {
        close(fd);
        fuse_reply_err(req, error);
        return;
    }
    info->fh = (uint64_t)fd;
    info->keep_cache = 1;
    fuse_reply_create(req, &entry, info);
}

static void open_one(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
    char path[64];
    path_of(path, ino);
    int fd = open(path, flags_below(info->flags));
    if (fd < 0) {
        fuse_reply_err(req, errno);
        return;
    }
    info->fh = (uint64_t)fd;
    info->keep_cache = 1;
    fuse_reply_open(req, info);
}

static void read_some(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                      struct fuse_file_info *info) {
    (void)ino;
    struct fuse_bufvec from = FUSE_BUFVEC_INIT(size);
    from.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    from.buf[0].fd = (int)info->fh;
    from.buf[0].pos = offset;
    fuse_reply_data(req, &from, FUSE_BUF_SPLICE_MOVE);
}

static void write_some(fuse_req_t req, fuse_ino_t ino, struct fuse_bufvec *from, off_t offset,
                       struct fuse_file_info *info) {
    (void)ino;
    struct fuse_bufvec to = FUSE_BUFVEC_INIT(fuse_buf_size(from));
    to.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    to.buf[0].fd = (int)info->fh;
    to.buf[0].pos = offset;
    ssize_t done = fuse_buf_copy(&to, from, 0);
    if (done < 0)
        fuse_reply_err(req, (int)-done);
    else
        fuse_reply_write(req, (size_t)done);
}

/* As in libfuse's own example: an error that the file system below has kept is told here. */
static void flush_one(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
    (void)ino;
    reply_status(req, close(dup((int)info->fh)));
}

static void release_one(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
    (void)ino;
    close((int)info->fh);
    fuse_reply_err(req, 0);
}

static void sync_one(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *info) {
    (void)ino;
    reply_status(req, data_only ? fdatasync((int)info->fh) : fsync((int)info->fh));
}

static void open_dir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
    struct folder *folder = calloc(1, sizeof *folder);
    int fd = folder ? openat(fd_of(ino), ".", O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0) folder->dir = fdopendir(fd);
    if (!folder || !folder->dir) {
        int error = errno;
        if (fd >= 0) close(fd);
        free(folder);
        fuse_reply_err(req, error);
        return;
    }
    info->fh = (uintptr_t)folder;
    fuse_reply_open(req, info);
}

static void read_dir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                     struct fuse_file_info *info) {
    struct folder *folder = (struct folder *)(uintptr_t)info->fh;
    char *buffer = calloc(1, size);
    size_t used = 0;
    int error = buffer ? 0 : ENOMEM;
    if (offset != folder->offset) {
        seekdir(folder->dir, offset);
        folder->waiting = NULL;
        folder->offset = offset;
    }
    while (!error) {
        if (!folder->waiting) {
            errno = 0;
            folder->waiting = readdir(folder->dir);
            if (!folder->waiting) {
                error = errno;
                break;
            }
        }
        const char *name = folder->waiting->d_name;
        struct fuse_entry_param entry = {0};
        int dots = !strcmp(name, ".") || !strcmp(name, "..");
        if (dots) {
            entry.attr.st_ino = folder->waiting->d_ino;
            entry.attr.st_mode = (mode_t)folder->waiting->d_type << 12;
        } else {
            error = find(ino, name, &entry);
            if (error == ENOENT) { /* removed meanwhile */
                error = 0;
                folder->waiting = NULL;
                continue;
            }
        }
        if (error) break;
        size_t needed = fuse_add_direntry_plus(req, buffer + used, size - used, name, &entry,
                                               folder->waiting->d_off);
        if (needed > size - used) {
            if (!dots) forget_one(entry.ino, 1);
            break;
        }
        used += needed;
        folder->offset = folder->waiting->d_off;
        folder->waiting = NULL;
    }
    if (error && !used)
        fuse_reply_err(req, error);
    else
        fuse_reply_buf(req, buffer, used);
    free(buffer);
}

static void release_dir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info) {
    (void)ino;
    struct folder *folder = (struct folder *)(uintptr_t)info->fh;
    closedir(folder->dir);
    free(folder);
    fuse_reply_err(req, 0);
}

static void stat_fs(fuse_req_t req, fuse_ino_t ino) {
    struct statvfs found;
    if (fstatvfs(fd_of(ino), &found) < 0)
        fuse_reply_err(req, errno);
    else
        fuse_reply_statfs(req, &found);
}

static void get_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size) {
    char path[64], value[65536];
    path_of(path, ino);
    ssize_t length = getxattr(path, name, value, size < sizeof value ? size : sizeof value);
    if (length < 0)
        fuse_reply_err(req, errno);
    else if (!size)
        fuse_reply_xattr(req, (size_t)length);
    else
        fuse_reply_buf(req, value, (size_t)length);
}

static const struct fuse_lowlevel_ops operations = {
    .init = init,
    .lookup = lookup,
    .forget = forget,
    .forget_multi = forget_multi,
    .getattr = get_attr,
    .setattr = set_attr,
    .mkdir = make_dir,
    .symlink = make_link,
    .readlink = read_link,
    .unlink = unlink_one,
    .rmdir = remove_dir,
    .rename = rename_one,
    .create = create,
    .open = open_one,
    .read = read_some,
    .write_buf = write_some,
    .flush = flush_one,
    .release = release_one,
    .fsync = sync_one,
    .opendir = open_dir,
    .readdirplus = read_dir,
    .releasedir = release_dir,
    .statfs = stat_fs,
    .getxattr = get_xattr,
};

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s SOURCE MOUNTPOINT\n", argv[0]);
        return 2;
    }
    struct rlimit files = {1 << 20,
                           1 << 20}; /* every inode that the kernel remembers is a descriptor */
    if (setrlimit(RLIMIT_NOFILE, &files) && !getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    umask(0);
    root.fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root.fd < 0) {
        perror(argv[1]);
        return 1;
    }
    char *words[] = {argv[0], "-o", "default_permissions,fsname=passthrough"};
    struct fuse_args args = FUSE_ARGS_INIT(3, words);
    struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, argv[2]))
        return 1;
    int result = fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return result ? 1 : 0;
}
