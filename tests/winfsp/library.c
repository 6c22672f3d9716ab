/* A stand-in for winfsp-x64.dll: what WinFsp's library does between the driver and a file system,
   as its headers say. Requests come from the kernel of tests (kernel.py), by TestCall, on threads
   of the library's own. Who answers later (STATUS_PENDING) keeps none. Functions that no mount
   uses are generated (library.py). */

#include <windows.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __declspec(dllexport)
#define THREADS 4
#define STATUS_PENDING_ 0x103u
#define STATUS_CANT_WAIT_ 0xC00000D8u
#define MAX_NOTICES 64

typedef uint64_t Word;
typedef Word (*Operation)(void *, Word, Word, Word, Word, Word, Word, Word, Word, Word);

/* The beginning is FSP_FILE_SYSTEM's (winfsp.h): winfspy sets UserContext. */
typedef struct {
    uint16_t version;
    void *user_context;
    char others[8192];
    Operation *operations;
    HANDLE threads[THREADS];
    HANDLE mount_point;
    int has_guard;
} FileSystem;

typedef struct {
    uint16_t version, size;
    uint32_t kind;
    uint64_t hint;
} Head;

typedef struct {
    Head head;
    uint32_t information, status;
    unsigned char answer[104];
} Response;

typedef struct {
    uint32_t status, was_pending, count, padding;
    unsigned char info[72];
} Out;

typedef struct Request {
    Head head;
    FileSystem *file_system;
    int operation;
    Word arguments[9];
    Out *out;
    int done;
    void *context[2]; /* FSP_FILE_SYSTEM_OPERATION_CONTEXT */
    struct Request *next;
} Request;

static CRITICAL_SECTION lock;
static CONDITION_VARIABLE came, answered;
static Request *queue;
static FileSystem *last;
static int stopping, renames_under_way, notifying;
static DWORD current = TLS_OUT_OF_INDEXES;
static struct { uint32_t size; void *bytes; } notices[MAX_NOTICES];
static int notice_count;

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, void *reserved)
{
    (void)instance, (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        InitializeCriticalSection(&lock);
        InitializeConditionVariable(&came);
        InitializeConditionVariable(&answered);
        current = TlsAlloc();
    }
    return TRUE;
}

static DWORD WINAPI work(void *unused)
{
    (void)unused;
    for (;;) {
        EnterCriticalSection(&lock);
        while (!queue && !stopping)
            SleepConditionVariableCS(&came, &lock, INFINITE);
        Request *request = queue;
        if (request)
            queue = request->next;
        LeaveCriticalSection(&lock);
        if (!request)
            return 0;
        TlsSetValue(current, request->context);
        Word *a = request->arguments;
        uint32_t status = (uint32_t)request->file_system->operations[request->operation](
            request->file_system, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]);
        TlsSetValue(current, 0);
        if (status == STATUS_PENDING_)
            continue; /* the request may be gone by now */
        EnterCriticalSection(&lock);
        request->out->status = status;
        request->done = 1;
        WakeAllConditionVariable(&answered);
        LeaveCriticalSection(&lock);
    }
}

/* What winfspy calls ------------------------------------------------------------------------- */

EXPORT int32_t FspFileSystemPreflight(wchar_t *device, wchar_t *mount_point)
{
    (void)device, (void)mount_point;
    return 0;
}

EXPORT int32_t FspFileSystemCreate(
    wchar_t *device, void *parameters, Operation *operations, FileSystem **made)
{
    (void)device, (void)parameters;
    FileSystem *file_system = calloc(1, sizeof *file_system);
    if (!file_system)
        return (int32_t)0xC000009A;
    file_system->operations = operations;
    file_system->has_guard = 1;
    while (notice_count)
        free(notices[--notice_count].bytes);
    renames_under_way = 0;
    last = *made = file_system;
    return 0;
}

EXPORT void FspFileSystemDelete(FileSystem *file_system)
{
    if (last == file_system)
        last = 0;
    if (file_system->mount_point)
        CloseHandle(file_system->mount_point);
    free(file_system);
}

/* A folder is made, and goes with the handle: a kill takes it away, too. */
EXPORT int32_t FspFileSystemSetMountPoint(FileSystem *file_system, wchar_t *mount_point)
{
    if (!CreateDirectoryW(mount_point, 0))
        return 0; /* a letter, or a folder of a test */
    HANDLE made = CreateFileW(
        mount_point, FILE_READ_ATTRIBUTES | DELETE,
        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, 0, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_DELETE_ON_CLOSE, 0);
    file_system->mount_point = made == INVALID_HANDLE_VALUE ? 0 : made;
    return 0;
}

EXPORT int32_t FspFileSystemStartDispatcher(FileSystem *file_system, unsigned long count)
{
    (void)count;
    stopping = 0;
    for (int at = 0; at < THREADS; at++)
        file_system->threads[at] = CreateThread(0, 0, work, 0, 0, 0);
    return 0;
}

EXPORT void FspFileSystemStopDispatcher(FileSystem *file_system)
{
    EnterCriticalSection(&lock);
    stopping = 1;
    WakeAllConditionVariable(&came);
    LeaveCriticalSection(&lock);
    WaitForMultipleObjects(THREADS, file_system->threads, TRUE, INFINITE);
    for (int at = 0; at < THREADS; at++)
        CloseHandle(file_system->threads[at]);
}

EXPORT void FspFileSystemSetOperationGuardF(FileSystem *file_system, void *enter, void *leave)
{
    file_system->has_guard = enter || leave;
}

EXPORT void *FspFileSystemGetOperationContext(void)
{
    return TlsGetValue(current);
}

EXPORT void FspFileSystemSendResponse(FileSystem *file_system, Response *response)
{
    (void)file_system;
    Request *request = (Request *)response->head.hint;
    EnterCriticalSection(&lock);
    request->out->was_pending = 1;
    request->out->status = response->status;
    request->out->count = response->information;
    memcpy(request->out->info, response->answer, sizeof request->out->info);
    request->done = 1;
    WakeAllConditionVariable(&answered);
    LeaveCriticalSection(&lock);
}

/* Entries are aligned to 8 bytes; NULL adds the end, which is a size of zero. */
EXPORT BOOLEAN FspFileSystemAddDirInfo(
    uint16_t *entry, unsigned char *buffer, ULONG length, ULONG *count)
{
    static const uint16_t end = 0;
    ULONG size = entry ? *entry : sizeof end;
    ULONG at = (*count + 7) & ~7ul;
    if (at + size > length)
        return FALSE;
    memcpy(buffer + at, entry ? entry : &end, size);
    *count = at + size;
    return TRUE;
}

EXPORT int32_t FspFileSystemNotifyBegin(FileSystem *file_system, ULONG timeout)
{
    (void)file_system, (void)timeout;
    if (renames_under_way) {
        renames_under_way--;
        return (int32_t)STATUS_CANT_WAIT_;
    }
    notifying = 1;
    return 0;
}

EXPORT int32_t FspFileSystemNotify(FileSystem *file_system, void *bytes, SIZE_T size)
{
    (void)file_system;
    if (!notifying)
        return (int32_t)0xC000000D;
    EnterCriticalSection(&lock);
    if (notice_count < MAX_NOTICES) {
        notices[notice_count].size = (uint32_t)size;
        notices[notice_count].bytes = malloc(size);
        memcpy(notices[notice_count++].bytes, bytes, size);
    }
    LeaveCriticalSection(&lock);
    return 0;
}

EXPORT int32_t FspFileSystemNotifyEnd(FileSystem *file_system)
{
    (void)file_system;
    notifying = 0;
    return 0;
}

/* What the kernel of tests calls ------------------------------------------------------------- */

EXPORT void TestCall(int operation, Word *arguments, Out *out)
{
    Request request = {.file_system = last, .operation = operation, .out = out};
    memcpy(request.arguments, arguments, sizeof request.arguments);
    request.head.size = sizeof request.head;
    request.head.hint = (uint64_t)&request;
    request.context[0] = &request.head;
    EnterCriticalSection(&lock);
    Request **at = &queue;
    while (*at)
        at = &(*at)->next;
    *at = &request;
    WakeConditionVariable(&came);
    while (!request.done)
        SleepConditionVariableCS(&answered, &lock, INFINITE);
    LeaveCriticalSection(&lock);
}

EXPORT int TestHasGuard(void)
{
    return last->has_guard;
}

EXPORT void TestRenames(int tries)
{
    renames_under_way = tries;
}

/* One batch of notices, the oldest; 0 when there is none. */
EXPORT uint32_t TestNotices(void *buffer, uint32_t room)
{
    uint32_t size = 0;
    EnterCriticalSection(&lock);
    if (notice_count && notices[0].size <= room) {
        size = notices[0].size;
        memcpy(buffer, notices[0].bytes, size);
        free(notices[0].bytes);
        notice_count--;
        memmove(notices, notices + 1, notice_count * sizeof notices[0]);
    }
    LeaveCriticalSection(&lock);
    return size;
}
