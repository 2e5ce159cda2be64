// What each process has of pages that several map: Rss and Pss of shared memory, and of private memory after a fork, before and after the
// child has copies of its own.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (64 * 4096L)

static void show(const char *what, char *at) {
	char line[256], begin[32], name[32];
	long kib, found = 0;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	sprintf(begin, "%lx-%lx ", (long)at, (long)at + SIZE);
	while (fgets(line, sizeof line, smaps)) {
		if (strstr(line, "-") && strstr(line, " 00:"))
			found = !strncmp(line, begin, strlen(begin));
		if (found && sscanf(line, "%31s %ld kB", name, &kib) == 2 && (!strcmp(name, "Rss:") || !strcmp(name, "Pss:")))
			printf("%s: %s %ld\n", what, name, kib);
	}
	fclose(smaps);
	fflush(stdout);
}

int main(void) {
	// Pages that nobody may touch lie between, so that each is a mapping of its own.
	char *all = mmap(0, 5 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(all + SIZE, SIZE, 3, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *private = mmap(all + 3 * SIZE, SIZE, 3, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int to_child[2], to_parent[2];
	char byte = 0;
	if (pipe(to_child) || pipe(to_parent))
		return 1;
	memset(shared, 1, SIZE), memset(private, 1, SIZE);
	show("shared, alone", shared), show("private, alone", private);
	if (!fork()) {
		for (long at = 0; at < SIZE; at += 4096)
			byte += *(volatile char *)(shared + at);
		write(to_parent[1], &byte, 1), read(to_child[0], &byte, 1);
		memset(private, 2, SIZE);
		write(to_parent[1], &byte, 1), read(to_child[0], &byte, 1);
		return 0;
	}
	read(to_parent[0], &byte, 1);
	show("shared with a child", shared), show("private, shared with a child", private);
	write(to_child[1], &byte, 1), read(to_parent[0], &byte, 1);
	show("private, copied by a child", private);
	write(to_child[1], &byte, 1), wait(0);
	show("shared, alone again", shared);
}
