// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	_ "embed"
	"html/template"
	"log"
	"net/http"
	"strings"
	"time"
)

//go:embed productpage.html
var pageSource string

var page = template.Must(template.New("productpage").Funcs(template.FuncMap{"times": func(count any) []struct{} {
	number, _ := count.(float64)
	return make([]struct{}, int(number))
}, "rest": func(count any) []struct{} {
	number, _ := count.(float64)
	return make([]struct{}, max(0, 5-int(number)))
}}).Parse(pageSource))

const sessionUser = "lab-user"

var product = object{
	"id":              0,
	"title":           "The Comedy of Errors",
	"descriptionHtml": "Two pairs of identical twins, parted by a shipwreck, meet again in one town without knowing it.",
}

type answerOf[T any] struct {
	Status int
	Body   T
}

func productpage(self *app) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(writer http.ResponseWriter, _ *http.Request) {
		_, _ = writer.Write([]byte("Product page is healthy"))
	})
	mux.HandleFunc("/api/v1/products", func(writer http.ResponseWriter, _ *http.Request) {
		writeJSON(writer, http.StatusOK, []object{product})
	})
	mux.HandleFunc("/api/v1/products/{id}", func(writer http.ResponseWriter, asked *http.Request) {
		answer := self.details(asked, asked.PathValue("id"))
		writeJSON(writer, answer.Status, answer.Body)
	})
	mux.HandleFunc("/api/v1/products/{id}/reviews", func(writer http.ResponseWriter, asked *http.Request) {
		var body object
		status := self.fromReviews(asked, asked.PathValue("id"), &body)
		if status != http.StatusOK {
			body = object{"error": "Sorry, product reviews are currently unavailable for this book."}
		}
		writeJSON(writer, status, body)
	})
	mux.HandleFunc("/api/v1/products/{id}/ratings", func(writer http.ResponseWriter, asked *http.Request) {
		var body object
		host := self.setting("RATINGS_HOSTNAME", "ratings") + ":" + self.setting("RATINGS_SERVICE_PORT", "9080")
		status, err := self.get(asked, "http://"+host+"/ratings/"+asked.PathValue("id"), self.outgoing(asked), 3*time.Second, &body)
		if err != nil || status != http.StatusOK {
			status, body = failed(status), object{"error": "Sorry, product ratings are currently unavailable for this book."}
		}
		writeJSON(writer, status, body)
	})
	mux.HandleFunc("/login", func(writer http.ResponseWriter, asked *http.Request) {
		cookie := &http.Cookie{Name: sessionUser, Value: asked.FormValue("username"), Path: "/", HttpOnly: true}
		http.SetCookie(writer, cookie)
		http.Redirect(writer, asked, "/productpage", http.StatusFound)
	})
	mux.HandleFunc("/logout", func(writer http.ResponseWriter, asked *http.Request) {
		http.SetCookie(writer, &http.Cookie{Name: sessionUser, Path: "/", MaxAge: -1})
		http.Redirect(writer, asked, "/productpage", http.StatusFound)
	})
	mux.HandleFunc("/productpage", self.page)
	mux.HandleFunc("/{$}", func(writer http.ResponseWriter, asked *http.Request) {
		http.Redirect(writer, asked, "/productpage", http.StatusFound)
	})
	return mux
}

// page shows what details and reviews answered just now, errors included.
func (a *app) page(writer http.ResponseWriter, asked *http.Request) {
	var body object
	status := a.fromReviews(asked, "0", &body)
	view := object{
		"Product": product,
		"User":    user(asked),
		"Details": a.details(asked, "0"),
		"Reviews": answerOf[object]{status, body},
		"Pod":     a.spec.Pod,
	}
	var text strings.Builder
	if err := page.Execute(&text, view); err != nil {
		log.Print(err)
		http.Error(writer, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = writer.Write([]byte(text.String()))
}

func (a *app) details(asked *http.Request, id string) answerOf[object] {
	var body object
	host := a.setting("DETAILS_HOSTNAME", "details") + ":" + a.setting("DETAILS_SERVICE_PORT", "9080")
	status, err := a.get(asked, "http://"+host+"/details/"+id, a.outgoing(asked), 3*time.Second, &body)
	if err != nil || status != http.StatusOK {
		return answerOf[object]{failed(status), object{"error": "Sorry, product details are currently unavailable for this book."}}
	}
	return answerOf[object]{status, body}
}

// fromReviews tries twice, as the sample does.
func (a *app) fromReviews(asked *http.Request, id string, body *object) int {
	host := a.setting("REVIEWS_HOSTNAME", "reviews") + ":" + a.setting("REVIEWS_SERVICE_PORT", "9080")
	status := 0
	for range 2 {
		var err error
		status, err = a.get(asked, "http://"+host+"/reviews/"+id, a.outgoing(asked), 3*time.Second, body)
		if err == nil && status == http.StatusOK {
			return status
		}
	}
	return failed(status)
}

// outgoing are the headers of the sample's requests: those passed on, and the user who has logged in.
func (a *app) outgoing(asked *http.Request) http.Header {
	headers := a.forwarded(asked)
	if name := user(asked); name != "" {
		headers.Set("end-user", name)
	}
	return headers
}

func user(asked *http.Request) string {
	if cookie, err := asked.Cookie(sessionUser); err == nil && cookie.Value != "" {
		return cookie.Value
	}
	return asked.Header.Get("end-user")
}

func failed(status int) int {
	if status == 0 || status == http.StatusOK {
		return http.StatusInternalServerError
	}
	return status
}
