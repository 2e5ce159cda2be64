// How many mappings there may be: mmap(2) may go one above the limit, and nothing is split at it.
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };
#define T(x) do { errno = 0; long r = (long)(x); printf("%s: %s\n", #x, r == -1 ? strerror(errno) : "ok"); } while (0)

static void *map(char *at, int pages) {
	return mmap(at, (long)pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}
int main(void) {
	char *base = (char *)0x100000000;
	long count = 0;
	// Every second four pages, so that no two are joined.
	while (map(base + count * 8 * PAGE, 4) != MAP_FAILED) count++;
	printf("errno %d\n", errno);
	char *a = base + 100 * 8 * PAGE, *end = base + count * 8 * PAGE;
	printf("many %d\n", count > 65000 && count < 65531);
	T(munmap(a + PAGE, PAGE));
	T(mprotect(a + PAGE, PAGE, PROT_READ));
	T(mprotect(a, PAGE, PROT_READ));
	T(madvise(a, PAGE, MADV_DONTFORK));
	T(mmap(a + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	T(mremap(a, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, end));
	T(mmap(0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	T(munmap(a, PAGE));
	T(munmap(a + 3 * PAGE, PAGE));
	T(mprotect(a + PAGE, 2 * PAGE, PROT_READ));
	T(munmap(a, 4 * PAGE));
	puts("one less");
	a += 8 * PAGE;
	T(munmap(a + PAGE, PAGE));
	T(mmap(a, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	T(munmap(a, 4 * PAGE));
	T(map(a, 4));
	T(map(end, 4));
	puts("two less");
	T(munmap(base, 4 * PAGE));
	T(munmap(base + 8 * PAGE, 4 * PAGE));
	a += 8 * PAGE;
	T(munmap(a + PAGE, PAGE));
	T(munmap(a + 8 * PAGE + PAGE, PAGE));
}
