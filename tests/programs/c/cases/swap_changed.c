// More memory than there is, read again and again until a page is lost: the swap file is changed meanwhile. A page may be lost
// (SIGBUS), but never hold something else. The program's own pages are locked: it has to tell.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void lost(int s) { write(1, "lost\n", 5); _exit(0); }

int main(void) {
  if (mlockall(MCL_CURRENT)) return 3;
  enum { PAGES = 60 << 8 };
  unsigned long *memory = mmap(0, PAGES * 4096L, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  signal(SIGBUS, lost);
  for (int round = 0; round < 40; round++) {
    for (long page = 0; page < PAGES; page++) {
      unsigned long *at = memory + page * 512;
      for (int i = 0; round && i < 512; i++)
        if (at[i] != 0x77726974746e3a20 + page * i) { printf("wrong: page %ld word %d holds %lx\n", page, i, at[i]); return 1; }
      for (int i = 0; !round && i < 512; i++) at[i] = 0x77726974746e3a20 + page * i;
    }
    printf("round %d\n", round), fflush(stdout);
  }
  return 2;
}
