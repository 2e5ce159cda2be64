// Two programs on one core, of nice 0 and nice 19: the second gets about a seventieth, certainly less than a tenth, but something
#include <stdio.h>
#include <unistd.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
int main(){
  volatile long*c=mmap(0,4096,3,MAP_SHARED|MAP_ANONYMOUS,-1,0); pid_t k[2];
  for(int i=0;i<2;i++) if(!(k[i]=fork())){ if(i) setpriority(PRIO_PROCESS,0,19); for(;;) c[i]++; }
  while(c[0]<100000000||c[1]==0) usleep(100000);
  kill(k[0],9); kill(k[1],9); wait(0); wait(0);
  printf("nice 19 got %s\n",c[1]>c[0]/10?"too much":"its share");
}
