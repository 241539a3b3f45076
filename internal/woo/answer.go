package woo

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/doorzet/doorzet/internal/doorzet"
)

// judge tells what one whole answer is that came so long after the question.
func judge(resp *http.Response, body []byte, now time.Time, took time.Duration) (answer, error) {
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return answer{}, redirected(resp)
	}
	if err := challenged(resp); err != nil {
		return answer{}, err
	}
	clean, dirty, isJSON := cut(resp.Header.Get("Content-Type"), body)
	if resp.StatusCode >= 400 {
		return answer{}, refusal(resp, clean, isJSON, now)
	}
	if !isJSON {
		return answer{}, page(resp, body)
	}
	if resp.StatusCode != http.StatusOK {
		return answer{}, &doorzet.ShopError{Kind: doorzet.ShopStrange, Status: resp.StatusCode,
			Advice: "The shop answered a question with a status that WooCommerce never sends. Something stands between us and the shop."}
	}
	if err := cached(resp.Header, took); err != nil {
		return answer{}, err
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: clean, tls: resp.TLS, dirty: dirty}, nil
}

// redirected names where an address leads. Nothing is followed: a key must not go to another host.
func redirected(resp *http.Response) error {
	se := &doorzet.ShopError{Kind: doorzet.ShopRedirect, Status: resp.StatusCode}
	to, err := resp.Location()
	if err != nil {
		se.Advice = "The shop's address redirects, but does not say where to. Check the shop's address in a browser."
		return se
	}
	from := resp.Request.URL
	root := (&url.URL{Scheme: to.Scheme, Host: to.Host}).String()
	switch {
	case strings.Contains(to.Path, "wp-login") || strings.Contains(to.Path, "my-account"):
		se.Advice = "The shop sends us to its login page at " + root + ". A plugin closes the REST API for visitors without an account; allow /wp-json/wc/ there."
	case to.Host != from.Host || to.Scheme != from.Scheme:
		se.Advice = "The shop's address redirects to " + root + ". We did not follow: a key goes to the given address only. Use that address for the shop if it is yours."
	default:
		se.Advice = "The shop sends questions for /wp-json/ to another page of " + root + ". In WordPress, open Settings > Permalinks and save them (any choice but Plain); if that is done, a plugin moves the REST API."
	}
	return se
}

// challenged finds the pages with which firewalls test for a browser, whatever their status.
func challenged(resp *http.Response) error {
	h := resp.Header
	switch {
	case strings.EqualFold(h.Get("cf-mitigated"), "challenge"):
		return &doorzet.ShopError{Kind: doorzet.ShopBlocked, Status: resp.StatusCode,
			Advice: "The shop's firewall blocks us: Cloudflare wants to see a browser. In Cloudflare, let our address skip bot protection for /wp-json/wc/ (Bot Fight Mode must be off: it has no exceptions)."}
	case h.Get("SG-Captcha") != "":
		return &doorzet.ShopError{Kind: doorzet.ShopBlocked, Status: resp.StatusCode, Err: errPage,
			Advice: "The shop's firewall blocks us: SiteGround answers with a captcha. Ask SiteGround to put our address on the allow-list."}
	}
	return nil
}

// cached finds answers that come from a cache in front of the shop, and so may be days old. Each question has its own
// URL, so a hit means that the cache does not even look at the whole URL. An answer that is older than its question gives a
// cache away that says nothing else.
func cached(h http.Header, took time.Duration) error {
	var by string
	age, err := strconv.Atoi(h.Get("Age"))
	fresh := err == nil && age == 0 // a cache that asked the shop this very moment
	switch {
	case hit(h, "X-LiteSpeed-Cache"):
		by = "LiteSpeed Cache (switch off \"Cache REST API\")"
	case hit(h, "CF-Cache-Status"), strings.EqualFold(h.Get("CF-Cache-Status"), "stale"), strings.EqualFold(h.Get("CF-Cache-Status"), "updating"):
		by = "Cloudflare (let it bypass the cache for /wp-json/wc/)"
	case !fresh && (hit(h, "X-Cache") || hit(h, "X-Proxy-Cache")):
		by = "one on the shop's server or at its host (let it leave /wp-json/wc/ out)"
	case age > 0 && len(strings.Fields(h.Get("X-Varnish"))) > 1: // of two numbers the second is the question that filled the cache
		by = "Varnish (let it pass /wp-json/wc/ on)"
	case time.Duration(age)*time.Second > took+time.Second:
		by = "one that does not give its name (let it leave /wp-json/wc/ out)"
	default:
		return nil
	}
	return &doorzet.ShopError{Kind: doorzet.ShopStrange, Status: http.StatusOK,
		Advice: "Not the shop but a cache answered, with something that may be old: " + by + "."}
}

// hit tells whether a header says that a cache had the answer ("HIT", "hit,private", "Hit from cloudfront", "TCP_HIT").
func hit(h http.Header, name string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(h.Get(name)), func(r rune) bool { return r == ' ' || r == ',' || r == '_' || r == ':' }) {
		if word == "hit" {
			return true
		}
	}
	return false
}

// bom is what Notepad puts before a saved wp-config.php, and PHP then before every answer.
var bom = []byte{0xEF, 0xBB, 0xBF}

// cut returns the JSON of a body, and whether something stood before it. Where the header says JSON, warnings of PHP
// before it are cut away; the rest must be valid to its end.
func cut(contentType string, body []byte) (clean []byte, dirty, ok bool) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") {
		return body, false, false
	}
	clean = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), bom))
	if json.Valid(clean) {
		return clean, len(clean) != len(bytes.TrimSpace(body)), true
	}
	const maxNoise, maxTries = 64 << 10, 200 // a warning names arrays with brackets, so the first one need not be it
	at := 0
	for range maxTries {
		i := bytes.IndexAny(clean[at:], "{[")
		if i < 0 || at+i > maxNoise {
			break
		}
		at += i
		if json.Valid(clean[at:]) {
			return clean[at:], true, true
		}
		at++
	}
	return body, false, false
}

// page says what kind of page came with a status of success where JSON was due.
func page(resp *http.Response, body []byte) error {
	se := &doorzet.ShopError{Kind: doorzet.ShopStrange, Status: resp.StatusCode, Err: errPage}
	head := strings.ToLower(string(body[:min(len(body), 8<<10)]))
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		se.Advice = "The shop answered with nothing at all. PHP on the shop probably stopped with an error; look in its error log."
	case strings.Contains(head, "captcha") || strings.Contains(head, "just a moment") || strings.Contains(head, "are you human"):
		se.Kind = doorzet.ShopBlocked
		se.Advice = "The shop's firewall blocks us: it answers with a captcha page. Ask the host to put our address on the allow-list for /wp-json/wc/."
	case strings.Contains(head, "maintenance"):
		se.Advice = "The shop shows a maintenance page instead of its orders. It is asked again later."
	case strings.HasPrefix(strings.TrimSpace(head), "{") || strings.HasPrefix(strings.TrimSpace(head), "["):
		se.Advice = "The shop's answer is cut off or is not valid JSON, or is not marked as JSON. A plugin or PHP warnings may spoil it; look in the shop's error log."
	default:
		se.Advice = "The shop answered with a web page instead of data. A firewall, a maintenance plugin or a wrong address are the usual reasons."
	}
	return se
}

// problem is WooCommerce's error body. Messages are translated, so only code and status decide.
type problem struct {
	Code    text            `json:"code"`
	Message text            `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// params are the names of the refused parameters.
func (p problem) params() []string {
	var d struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	if json.Unmarshal(p.Data, &d) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(d.Params))
}

// refusal reads an answer with a status of 400 and more.
func refusal(resp *http.Response, body []byte, isJSON bool, now time.Time) error {
	var p problem
	if isJSON {
		_ = json.Unmarshal(body, &p) // what is no error body has no code
	}
	se := &doorzet.ShopError{
		Status:     resp.StatusCode,
		Code:       string(p.Code),
		RetryAfter: retryAfter(resp.Header, now),
		Params:     p.params(),
	}
	se.Kind, se.Advice = reading(resp, se)
	return se
}

// reading is what a refusal means and what to do, by status and code.
func reading(resp *http.Response, se *doorzet.ShopError) (doorzet.ShopErrorKind, string) {
	switch status := resp.StatusCode; {
	case status == http.StatusRequestTimeout:
		return doorzet.ShopDown, "The shop took too long to answer, and its server gave up."
	case status == http.StatusRequestEntityTooLarge:
		return doorzet.ShopStrange, "The shop's server refuses the question or its answer as too large. Lists are asked for in smaller parts; if that does not help, ask the host to raise its limits."
	case status == http.StatusRequestURITooLong:
		return doorzet.ShopStrange, "The shop's server refuses the question because its address is too long. Lists are asked for in smaller parts; if that does not help, ask the host to raise its limits."
	case status == http.StatusTooManyRequests:
		return doorzet.ShopBusy, "The shop's server says that we ask too much. We wait and go slower."
	case status >= 500:
		return broken(se)
	case status == http.StatusUnauthorized:
		return unauthorized(resp, se)
	case status == http.StatusForbidden:
		return forbidden(se)
	case status == http.StatusNotFound:
		return notFound(se)
	case se.Code == "":
		return doorzet.ShopBlocked, "The shop's firewall blocks us: it answers with an error page that is not WordPress'. Ask the host to put our address on the allow-list for /wp-json/wc/."
	case len(se.Params) > 0:
		return doorzet.ShopRefused, "The shop does not accept the question: " + strings.Join(se.Params, ", ") + "."
	}
	return doorzet.ShopRefused, "The shop does not accept the question."
}

func broken(se *doorzet.ShopError) (doorzet.ShopErrorKind, string) {
	switch {
	case se.Status == http.StatusServiceUnavailable && se.RetryAfter > 0:
		return doorzet.ShopBusy, "The shop is being updated or is too busy, and asks to come back later."
	case se.Status == http.StatusGatewayTimeout || se.Status == 524:
		return doorzet.ShopDown, "The shop took too long to answer, and its server gave up."
	case se.Code == "internal_server_error":
		return doorzet.ShopDown, "WordPress on the shop stopped with a critical error. The reason stands in the shop's PHP error log; it is often a plugin."
	}
	return doorzet.ShopDown, "The shop's server answers with an error of its own. If it lasts, ask the host."
}

func unauthorized(resp *http.Response, se *doorzet.ShopError) (doorzet.ShopErrorKind, string) {
	switch se.Code {
	case "woocommerce_rest_cannot_view", "woocommerce_rest_cannot_create", "woocommerce_rest_cannot_edit":
		return doorzet.ShopDenied, "The shop does not know our key: it was revoked, mistyped, or its user was deleted; or the shop's server drops the key on the way. Make a new key in WooCommerce > Settings > Advanced > REST API."
	case "woocommerce_rest_authentication_error", "woocommerce_rest_authentication_missing_parameter":
		return doorzet.ShopDenied, "The shop refuses the key: the secret is wrong, the key may not read, or the clocks of the shop and of this machine differ by more than 15 minutes. Make a key with Read permission in WooCommerce > Settings > Advanced > REST API."
	case "invalid_username", "incorrect_password", "invalid_email":
		return doorzet.ShopDenied, "The shop does not know our key: it was revoked or mistyped. Make a new key in WooCommerce > Settings > Advanced > REST API."
	case "":
		if resp.Header.Get("WWW-Authenticate") != "" {
			return doorzet.ShopBlocked, "The shop's server asks for a password of its own before WordPress (a protected test site?). Take that away for /wp-json/wc/."
		}
		return doorzet.ShopBlocked, "The shop's firewall blocks us: it refuses before WordPress sees the question. Ask the host to put our address on the allow-list for /wp-json/wc/."
	}
	return doorzet.ShopBlocked, "A security plugin of the shop closes the REST API (" + se.Code + "). Allow /wp-json/wc/ in that plugin."
}

func forbidden(se *doorzet.ShopError) (doorzet.ShopErrorKind, string) {
	switch {
	case strings.HasPrefix(se.Code, "woocommerce_rest_"):
		return doorzet.ShopDenied, "The key works, but its user may not see this. Make the key for an administrator or a shop manager."
	case se.Code == "":
		return doorzet.ShopBlocked, "The shop's firewall blocks us (Wordfence, mod_security, Cloudflare and others do that). Ask the host to put our address on the allow-list for /wp-json/wc/."
	}
	return doorzet.ShopBlocked, "A security plugin of the shop closes the REST API (" + se.Code + "). Allow /wp-json/wc/ in that plugin."
}

func notFound(se *doorzet.ShopError) (doorzet.ShopErrorKind, string) {
	switch se.Code {
	case "rest_no_route":
		return doorzet.ShopStrange, "WordPress answers, but WooCommerce's REST API is not there. Is the WooCommerce plugin active? Switch it on under Plugins."
	case "":
		return doorzet.ShopStrange, "There is no WordPress REST API at this address. Check the address, and whether a plugin hides or moves /wp-json/."
	}
	return doorzet.ShopRefused, "The shop has nothing there."
}
