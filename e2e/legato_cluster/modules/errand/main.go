// What the smallest pods run. As `pause` it holds a pod's namespaces, as `serve ADDRESS` it says its host's
// name to whoever asks, as `get URL` it asks, and as `hold` it does nothing.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	words := append(os.Args[1:], "", "")
	var problem error
	switch words[0] {
	case "pause", "hold":
		wait()
	case "serve":
		go stopWhenTold()
		problem = serve(words[1])
	case "get":
		problem = get(words[1])
	default:
		problem = fmt.Errorf("usage: errand pause | hold | serve ADDRESS | get URL")
	}
	if problem != nil {
		fmt.Fprintln(os.Stderr, problem)
		os.Exit(1)
	}
}

// wait ends when it is told to, and reaps what its pod leaves behind: it is process 1 there.
func wait() {
	told := make(chan os.Signal, 16)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for one := range told {
		if one != syscall.SIGCHLD {
			return
		}
		for reaped := 1; reaped > 0; {
			reaped, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}

// stopWhenTold is needed since process 1 has no default answer to signals.
func stopWhenTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	<-told
	os.Exit(0)
}

func serve(address string) error {
	name, _ := os.Hostname()
	return http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path)
		fmt.Fprintln(w, name)
	}))
}

func get(url string) error {
	client := http.Client{Timeout: 10 * time.Second}
	answer, problem := client.Get(url)
	if problem != nil {
		return problem
	}
	defer answer.Body.Close()
	_, problem = io.Copy(os.Stdout, answer.Body)
	return problem
}
