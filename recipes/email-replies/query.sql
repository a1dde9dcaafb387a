-- Drafts since a day, of the newest two versions of the templates then in use.
SELECT *
FROM generations
WHERE created_at >= :since
  AND template_version >= (SELECT max(template_version) FROM generations) - 1
ORDER BY id
