package wootest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Shops are several fake shops at one address, below /shop/1, /shop/2 and so on. They share nothing: each has its own home,
// orders, faults, log and control API (below /shop/1/_control/). It is an http.Handler, safe for concurrent use.
type Shops struct {
	list []*Shop
}

// NewShops makes n shops at an address such as http://127.0.0.1:9080. options gives those of each, from 1 on; its home is
// filled in.
func NewShops(address string, n int, options func(number int, home string) Options) *Shops {
	s := &Shops{}
	for number := 1; number <= n; number++ {
		home := fmt.Sprintf("%s/shop/%d", strings.TrimRight(address, "/"), number)
		opt := options(number, home)
		opt.Home = home
		s.list = append(s.list, New(opt))
	}
	return s
}

// Shop is one of them, by its number; nil when there is none.
func (s *Shops) Shop(number int) *Shop {
	if number < 1 || number > len(s.list) {
		return nil
	}
	return s.list[number-1]
}

// Len is how many there are.
func (s *Shops) Len() int { return len(s.list) }

// ServeHTTP answers as the shop that the path names. Beside the shops there is nothing.
func (s *Shops) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, _ := strings.CutPrefix(r.URL.Path, "/shop/")
	word, _, _ := strings.Cut(rest, "/")
	number, err := strconv.Atoi(word)
	shop := s.Shop(number)
	if err != nil || shop == nil || word != strconv.Itoa(number) {
		http.Error(w, fmt.Sprintf("There is no shop here: they are below /shop/1 to /shop/%d.", len(s.list)), http.StatusNotFound)
		return
	}
	shop.ServeHTTP(w, r)
}
