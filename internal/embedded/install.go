package embedded

import (
	"os"
	"os/exec"
	"runtime"
)

// installLine is what a person types on this machine to install a package.
func installLine(name string) string {
	if runtime.GOOS == "darwin" {
		return "brew install " + brewNames[name]
	}
	sudo := "sudo "
	if os.Geteuid() == 0 {
		sudo = ""
	}
	for _, manager := range []struct{ program, line string }{
		{"apt-get", "apt-get install -y " + name},
		{"dnf", "dnf install -y " + dnfNames[name]},
		{"apk", "apk add " + name},
	} {
		if _, err := exec.LookPath(manager.program); err == nil {
			return sudo + manager.line
		}
	}
	return sudo + "apt-get install -y " + name
}

var (
	brewNames = map[string]string{"postgresql": "postgresql@17"}
	dnfNames  = map[string]string{"postgresql": "postgresql-server"}
)
